package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.nn.Batch;
import dev.baichuan4j.internal.nn.Forward;
import dev.baichuan4j.internal.nn.KvCache;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * The texts that are being read and written, and what each step feeds of them. A text takes pages
 * of the cache as it is computed; where there are no more, the youngest text is paused and goes on
 * later. Used by the engine's thread alone.
 */
final class Schedule implements AutoCloseable {
  /** Most rows of logits of a step that are for scores: a bound on two buffers [R,V]. */
  static final int SCORE_ROWS = 64;

  private static final class Active {
    final Request request;
    final Sequence sequence;
    final long age; // the order in which texts began
    boolean told; // that it has started
    int fed; // tokens of this step
    int row; // the first of its rows of logits in this step
    int rows;
    int hidden; // tokens of this step whose hidden states it wants
    int firstHidden; // number of the first one in the step

    Active(Request request, Sequence sequence, long age) {
      this.request = request;
      this.sequence = sequence;
      this.age = age;
    }
  }

  private static final Comparator<Active> OLDEST_FIRST = Comparator.comparingLong(a -> a.age);

  private final Engine.Limits limits;
  private final CachePool cache;
  private final Forward forward;
  private final int smallestPiece;
  private final Batch batch;
  private final LogitsRow row; // each row of a step in turn
  private final List<Active> active = new ArrayList<>(); // the oldest first
  private final List<Active> resting = new ArrayList<>(); // until their caller takes their rows
  private final List<Active> paused = new ArrayList<>(); // without pages
  private long begun;

  Schedule(Model model, Engine.Limits limits) {
    this.limits = limits;
    Architecture architecture = model.architecture();
    KvCache pages = new KvCache(model.ops(), architecture, limits.cacheType(), limits.pages());
    this.smallestPiece = model.ops().facts().smallestPiece();
    this.cache =
        new CachePool(pages, KvCache.pageBytes(architecture, limits.cacheType()), smallestPiece);
    this.forward =
        new Forward(
            model,
            pages,
            Math.max(limits.chunkTokens(), leastTokens(smallestPiece, limits)),
            limits.maxConcurrent(),
            Engine.rows(limits.maxConcurrent()),
            limits.contextLength());
    this.batch = new Batch(limits.pageSlots());
    this.row = new LogitsRow(architecture.vocabularySize(), forward::logits);
  }

  /**
   * A token of every text being written but one, and two smallest pieces of the last one's prompt.
   */
  private static int leastTokens(int smallestPiece, Engine.Limits limits) {
    return limits.maxConcurrent() - 1 + leastPiece(smallestPiece);
  }

  /** Room that is enough for a piece of any prompt. */
  private static int leastPiece(int smallestPiece) {
    return 2 * smallestPiece - 1;
  }

  /** Whether another text may begin: those that are paused go first. */
  boolean hasRoom() {
    if (active.size() >= limits.maxConcurrent()) {
      return false;
    }
    for (int i = 0; i < paused.size(); i++) {
      if (canGoOn(paused.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean canGoOn(Active a) {
    return a.request.mostTokens(SCORE_ROWS) > 0;
  }

  /**
   * Fails a request that could never end, and otherwise starts it.
   *
   * @param take takes the request from the queue; false if it is not there any more, because it was
   *     cancelled
   * @return false if it has to wait until another one ends
   */
  boolean admit(Request request, BooleanSupplier take) {
    int positions = request.positions(limits.contextLength());
    if (positions > cache.positions()) {
      if (take.getAsBoolean()) {
        request.fail(cache.exhausted(positions));
      }
      return true;
    }
    Sequence sequence = new Sequence(request.prompt(), positions);
    if (!start(request, sequence)) {
      return false; // pages come free when one of these ends
    }
    if (!take.getAsBoolean()) {
      cache.end(sequence);
      return true;
    }
    active.add(new Active(request, sequence, begun++));
    return true;
  }

  /** Takes over what is computed of a text, if there is room for the rest. */
  private boolean start(Request request, Sequence sequence) {
    while (!cache.start(sequence, request.mostShared(), active.size())) {
      if (resting.isEmpty()) {
        return false;
      }
      pause(resting);
    }
    return true;
  }

  /** Goes on with texts that rest or are paused, the oldest first; false if none could. */
  boolean resume() {
    int before = active.size();
    for (int i = 0; i < resting.size() && active.size() < limits.maxConcurrent(); i++) {
      if (canGoOn(resting.get(i))) {
        active.add(resting.remove(i--));
      }
    }
    for (int i = 0; i < paused.size() && active.size() < limits.maxConcurrent(); i++) {
      Active a = paused.get(i);
      if (canGoOn(a)) {
        if (!start(a.request, a.sequence)) {
          break;
        }
        paused.remove(a); // start() may have paused others
        active.add(a);
        i = -1;
      }
    }
    if (active.size() == before) {
      return false;
    }
    active.sort(OLDEST_FIRST);
    return true;
  }

  /** Nanoseconds until the time of a text is over that does not go on by itself. */
  long nanosLeft() {
    long least = Long.MAX_VALUE;
    for (Active a : resting) {
      least = Math.min(least, a.request.nanosLeft());
    }
    for (Active a : paused) {
      least = Math.min(least, a.request.nanosLeft());
    }
    return least;
  }

  /** Most tokens of a step of a score; chunk is what was asked for, or 0. */
  int scoringTokens(int chunk) {
    return chunk > 0
        ? Math.min(Math.max(chunk, leastPiece(smallestPiece)), forward.maxTokens())
        : forward.maxTokens();
  }

  /** One step of all texts; those that end are told. False if there was nothing to do. */
  boolean step() {
    boolean ended = endInterrupted();
    TopLogits best; // null: no chooser wants them
    try {
      chooseTokens();
      fillBatch();
      if (batch.tokens() == 0) {
        return ended;
      }
      forward.run(batch);
      best = batch.ranked() ? forward.topLogits(batch) : null;
    } catch (RuntimeException | Error e) {
      fail(List.of(active), unchecked(e)); // the others were not in the step
      return true;
    }
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      try {
        FinishReason reason = advance(a, best);
        if (reason != null) {
          active.remove(i--);
          finish(a, reason);
        } else if (!canGoOn(a)) {
          resting.add(active.remove(i--));
          resting.sort(OLDEST_FIRST);
        }
      } catch (RuntimeException | Error e) {
        active.remove(i--);
        cache.discard(a.sequence);
        a.request.fail(unchecked(e));
      }
    }
    return true;
  }

  /** Notes what the step has computed of a text, and returns why it ends; null if it goes on. */
  private FinishReason advance(Active a, TopLogits best) {
    Sequence sequence = a.sequence;
    boolean inPrompt = sequence.cached() < sequence.promptLength();
    sequence.computed(a.fed);
    if (inPrompt && a.fed > 0) {
      cache.offer(sequence);
    }
    if (a.hidden > 0) {
      return a.request.takeHidden(sequence, forward, a.firstHidden, a.hidden);
    }
    return a.rows == 0
        ? null
        : a.request.take(sequence, row, a.row, a.rows, best, limits.contextLength());
  }

  private boolean endInterrupted() {
    return endInterrupted(active) | endInterrupted(resting) | endInterrupted(paused);
  }

  private boolean endInterrupted(List<Active> texts) {
    boolean any = false;
    for (int i = 0; i < texts.size(); i++) {
      Active a = texts.get(i);
      FinishReason reason = a.request.interruption();
      if (reason != null) {
        texts.remove(i--);
        finish(a, reason);
        any = true;
      }
    }
    return any;
  }

  /**
   * Decides how many tokens of each text the step feeds, and takes pages for them: texts being
   * written first, so that a long prompt does not hold them up; prompts share what is left.
   */
  private void chooseTokens() {
    int room = forward.maxTokens();
    int rows = SCORE_ROWS;
    for (int i = 0; i < active.size(); i++) {
      active.get(i).fed = 0;
    }
    // The list may lose its last ones meanwhile, which are paused.
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      if (a.sequence.pending() == 1 && a.request.mostTokens(rows) > 0 && hasPages(a, 1)) {
        a.fed = 1;
        room--;
      }
    }
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      int count = a.fed > 0 ? 0 : piece(a, room, rows);
      if (count > 0 && hasPages(a, count)) {
        a.fed = count;
        room -= count;
        rows -= a.request.rows(a.sequence, count);
      }
    }
  }

  /** Tokens of a prompt, or of a text that is computed anew, that the step feeds. */
  private int piece(Active a, int room, int rows) {
    Sequence sequence = a.sequence;
    int most = Math.min(room, a.request.mostTokens(rows));
    if (most <= 0) {
      return 0;
    }
    cache.catchUp(sequence, a.request.mostShared());
    int prompt = sequence.promptLength() - sequence.cached();
    if (prompt > 0) {
      return piece(prompt, most, smallestPiece);
    }
    // Generated tokens came one by one; a few together have the same bits.
    return Math.min(most, Math.min(sequence.pending(), mostGenerated()));
  }

  private int mostGenerated() {
    return smallestPiece == 1 ? Integer.MAX_VALUE : smallestPiece - 1;
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

  /** Takes pages for the next tokens of a text; false if it was paused for want of them. */
  private boolean hasPages(Active a, int count) {
    while (!cache.extend(a.sequence, count)) {
      if (pause(resting.isEmpty() ? active : resting) == a) {
        return false;
      }
    }
    return true;
  }

  /** Pauses the youngest of some texts: its pages are there for others. */
  private Active pause(List<Active> texts) {
    Active youngest = texts.remove(texts.size() - 1);
    youngest.fed = 0;
    cache.end(youngest.sequence);
    paused.add(youngest);
    paused.sort(OLDEST_FIRST);
    return youngest;
  }

  private void fillBatch() {
    batch.clear();
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      a.rows = 0;
      a.hidden = 0;
      if (a.fed == 0) {
        continue;
      }
      if (!a.told && !tellsOfItsStart(a)) {
        i--;
        continue;
      }
      Sequence s = a.sequence;
      a.rows = a.request.rows(s, a.fed);
      a.row = batch.add(s.tokens(), s.cached(), a.fed, s.pages(), a.rows);
      a.hidden = a.request.hiddenStates(s, a.fed);
      if (a.hidden > 0) {
        a.firstHidden = batch.tokens() - a.hidden;
        batch.wantHidden();
      }
      if (a.rows > 0 && a.request.wantsBestLogits(forward.topCount())) {
        batch.rank();
      }
    }
  }

  /** Tells a request that it starts; one that throws then has failed, and is not there any more. */
  private boolean tellsOfItsStart(Active a) {
    a.told = true;
    try {
      a.request.started(a.sequence.cached());
      return true;
    } catch (RuntimeException | Error e) {
      active.remove(a);
      cache.end(a.sequence);
      a.request.fail(unchecked(e));
      return false;
    }
  }

  private void finish(Active a, FinishReason reason) {
    cache.end(a.sequence);
    a.request.finish(reason);
  }

  static RuntimeException unchecked(Throwable e) {
    return e instanceof RuntimeException r ? r : new IllegalStateException(e);
  }

  void failAll(RuntimeException failure) {
    fail(List.of(active, resting, paused), failure);
  }

  private void fail(List<List<Active>> lists, RuntimeException failure) {
    List<Active> failed = new ArrayList<>();
    for (List<Active> texts : lists) {
      failed.addAll(texts);
      texts.clear();
    }
    for (Active a : failed) {
      cache.discard(a.sequence);
      a.request.fail(failure);
    }
  }

  @Override
  public void close() {
    forward.close();
    cache.close();
  }
}
