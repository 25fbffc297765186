package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.nn.Batch;
import dev.baichuan4j.internal.nn.Forward;
import dev.baichuan4j.internal.nn.KvCache;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * The texts that are being read and written, and what each step feeds of them. Used by the engine's
 * thread alone.
 */
final class Schedule implements AutoCloseable {
  /** Rows of logits that {@link #score} takes in a step: a bound on two buffers [R,V]. */
  private static final int SCORE_ROWS = 64;

  private static final class Active {
    final Request request;
    final Sequence sequence;
    int fed; // tokens of this step
    int row = -1; // its row of logits in this step
    int generated;

    Active(Request request, Sequence sequence) {
      this.request = request;
      this.sequence = sequence;
    }
  }

  private final Engine.Limits limits;
  private final CachePool cache;
  private final Forward forward;
  private final int smallestPiece;
  private final Batch batch;
  private final int vocabulary;
  private final LogitsRow row; // each row of a step in turn
  private final List<Active> active = new ArrayList<>();

  Schedule(Model model, Engine.Limits limits) {
    this.limits = limits;
    Architecture architecture = model.architecture();
    KvCache pages = new KvCache(model.ops(), architecture, limits.cacheType(), limits.pages());
    this.cache = new CachePool(pages, KvCache.pageBytes(architecture, limits.cacheType()));
    this.smallestPiece = model.ops().facts().smallestPiece();
    this.forward =
        new Forward(
            model,
            pages,
            Math.max(limits.chunkTokens(), leastTokens(smallestPiece, limits)),
            limits.maxConcurrent(),
            Math.max(limits.maxConcurrent(), SCORE_ROWS),
            limits.contextLength());
    this.batch = new Batch(limits.pageSlots());
    this.vocabulary = architecture.vocabularySize();
    this.row = new LogitsRow(vocabulary, forward::logits);
  }

  /**
   * A token of every text being written but one, and two smallest pieces of the last one's prompt.
   */
  private static int leastTokens(int smallestPiece, Engine.Limits limits) {
    return limits.maxConcurrent() - 1 + 2 * smallestPiece - 1;
  }

  boolean isEmpty() {
    return active.isEmpty();
  }

  boolean isFull() {
    return active.size() >= limits.maxConcurrent();
  }

  /**
   * Starts a request, or fails it where it can never start.
   *
   * @param take takes the request from the queue; false if it is not there any more, because it was
   *     cancelled
   * @return false if it has to wait until another one ends
   */
  boolean admit(Request request, BooleanSupplier take) {
    SessionCache session = request.session();
    if (session != null && session.busy) {
      if (take.getAsBoolean()) {
        request.fail(new IllegalStateException("session already generates; wait for its end"));
      }
      return true;
    }
    Sequence sequence =
        session == null
            ? cache.sequence(request.prompt())
            : cache.sequence(session, request.prompt());
    int positions =
        Math.min(request.prompt().length + request.maxNewTokens(), limits.contextLength());
    if (!cache.reserve(sequence, positions)) {
      if (!active.isEmpty()) {
        return false; // pages come free when one of these ends
      }
      sequence.release();
      if (take.getAsBoolean()) {
        request.fail(cache.exhausted(positions));
      }
      return true;
    }
    if (!take.getAsBoolean()) {
      sequence.trim();
      return true;
    }
    if (session != null) {
      cache.use(session, sequence);
    }
    active.add(new Active(request, sequence));
    request.started(sequence.cached());
    return true;
  }

  /** Tokens of a step of {@link #score}; chunk is what was asked for, or 0. */
  int scoringTokens(boolean all, int chunk) {
    int most = all ? Math.min(forward.maxTokens(), SCORE_ROWS) : forward.maxTokens();
    return chunk > 0 ? Math.min(chunk, most) : most;
  }

  /**
   * The next step of a text whose logits are wanted. Between its steps the text's pages give way
   * where room is needed, as a conversation's do; what they held is computed anew first then, so
   * that it comes to its end however often they do.
   *
   * @return false if it has to wait until another text ends
   * @throws OutOfDeviceMemoryException if the cache has too few pages for it alone
   */
  boolean score(Scoring scoring) {
    int[] ids = scoring.ids();
    SessionCache text = scoring.text();
    Sequence sequence = cache.sequence(text, ids);
    if (!cache.reserve(sequence, ids.length)) {
      if (!active.isEmpty()) {
        return false;
      }
      throw cache.exhausted(ids.length);
    }
    cache.use(text, sequence);
    try {
      while (sequence.cached() < scoring.reached()) {
        score(sequence, Math.min(scoring.stepTokens(), scoring.reached() - sequence.cached()), 0);
      }
      int count = Math.min(scoring.stepTokens(), sequence.pending());
      int rows = scoring.rows(count);
      score(sequence, count, rows);
      for (int i = 0; i < rows; i++) {
        forward.logits(i, scoring.row(i, vocabulary));
      }
      scoring.computed(count, rows);
    } finally {
      cache.end(text);
    }
    return true;
  }

  /** Feeds the next {@code count} tokens of a text, for the logits of the last {@code rows}. */
  private void score(Sequence sequence, int count, int rows) {
    batch.clear();
    batch.add(sequence.tokens(), sequence.cached(), count, sequence.pages(), rows);
    forward.run(batch);
    sequence.computed(count);
  }

  void release(SessionCache session) {
    cache.release(session);
  }

  /** One step of all texts; those that end are told. */
  void step() {
    endCancelled();
    if (active.isEmpty()) {
      return;
    }
    TopLogits best; // null: no chooser wants them
    try {
      compose();
      forward.run(batch);
      best = batch.ranked() ? forward.topLogits(batch) : null;
    } catch (RuntimeException | Error e) {
      failAll(unchecked(e));
      return;
    }
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      a.sequence.computed(a.fed);
      if (a.row < 0) {
        continue;
      }
      try {
        FinishReason reason = takeToken(a, best);
        if (reason != null) {
          active.remove(i--);
          finish(a, reason);
        }
      } catch (RuntimeException | Error e) {
        active.remove(i--);
        end(a);
        a.request.fail(unchecked(e));
      }
    }
  }

  private void endCancelled() {
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      if (a.request.cancelled()) {
        active.remove(i--);
        finish(a, FinishReason.CANCELLED);
      }
    }
  }

  /**
   * Fills the step: texts being written first, so that a long prompt does not hold them up; prompts
   * share what is left.
   */
  private void compose() {
    batch.clear();
    int room = forward.maxTokens();
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      a.fed = a.sequence.pending() == 1 ? 1 : 0;
      room -= a.fed;
    }
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      if (a.fed == 0) {
        a.fed = piece(a.sequence.pending(), room, smallestPiece);
        room -= a.fed;
      }
      a.row = -1;
      if (a.fed > 0) {
        Sequence s = a.sequence;
        boolean complete = a.fed == s.pending();
        int row = batch.add(s.tokens(), s.cached(), a.fed, s.pages(), complete ? 1 : 0);
        a.row = complete ? row : -1;
        if (complete && a.request.chooser().wantsBest(forward.topCount())) {
          batch.rank();
        }
      }
    }
  }

  /**
   * Tokens of a prompt that a step feeds: all that are pending or, where there is no room for them,
   * a piece that is not smaller than the smallest and leaves no less, so that no result depends on
   * where a prompt is cut. With no room for such a piece, 0.
   */
  static int piece(int pending, int room, int smallest) {
    if (pending <= room) {
      return pending;
    }
    int piece = Math.min(room, pending - smallest);
    return piece < smallest ? 0 : piece;
  }

  /**
   * Chooses the next token of a text from its row, and returns why the text ends; null if it goes
   * on.
   *
   * @param best the best logits of the step; null if it did not rank its rows
   */
  private FinishReason takeToken(Active a, TopLogits best) {
    row.moveTo(a.row, best);
    int token = a.request.chooser().next(row);
    boolean ended = a.request.accept(token);
    a.sequence.append(token);
    a.generated++;
    if (ended) {
      return FinishReason.STOP;
    }
    boolean full =
        a.generated >= a.request.maxNewTokens() || a.sequence.length() >= limits.contextLength();
    return full ? FinishReason.LENGTH : null;
  }

  private void end(Active a) {
    if (a.request.session() == null) {
      a.sequence.release();
    } else {
      cache.end(a.request.session());
    }
  }

  private void finish(Active a, FinishReason reason) {
    end(a);
    a.request.finish(reason);
  }

  static RuntimeException unchecked(Throwable e) {
    return e instanceof RuntimeException r ? r : new IllegalStateException(e);
  }

  void failAll(RuntimeException failure) {
    List<Active> failed = List.copyOf(active);
    active.clear();
    for (Active a : failed) {
      a.sequence.release();
      end(a);
      a.request.fail(failure);
    }
  }

  @Override
  public void close() {
    forward.close();
    cache.close();
  }
}
