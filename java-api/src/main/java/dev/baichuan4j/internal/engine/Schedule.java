package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.engine.draft.DraftPlan;
import dev.baichuan4j.internal.nn.DeviceFacts;
import dev.baichuan4j.internal.nn.Forward;
import dev.baichuan4j.internal.nn.KvCache;
import dev.baichuan4j.internal.nn.Model;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What each step feeds of the texts that go on. A text takes pages of the cache as it is computed.
 * Used by the engine's thread alone.
 */
final class Schedule implements AutoCloseable {
  /** Most rows of logits of a step that are for scores: a bound on two buffers [R,V]. */
  static final int SCORE_ROWS = 64;

  /** Most tokens and texts of a step that runs in the middle of a longer one. */
  private static final int QUICK_TOKENS = 128;

  private static final int QUICK_TEXTS = 8;

  private static final Comparator<Active> SHORTEST_FIRST =
      Comparator.comparingInt(a -> a.sequence.pending());

  private final Counters counters;
  private final CachePool cache;
  private final Texts texts;
  private final List<Active> active; // of the texts, the oldest first
  private final Step step;
  private final Step quickStep; // of new prompts in the middle of a step; null: that has no parts
  private final Runnable readArrivals = this::readArrivals;
  private final int smallestPiece;
  private final Speculation speculation;
  private final List<Active> readers = new ArrayList<>(); // those whose prompts a step reads
  private Runnable arrivals; // admits what came since the step at hand began
  private int quickTokens; // that may still be read in the middle of the step at hand
  private long quickNanos; // that this took

  Schedule(
      Model model, Engine.Limits limits, DraftPlan drafts, DraftModel guesses, Counters counters) {
    this.counters = counters;
    Architecture architecture = model.architecture();
    KvCache pages = new KvCache(model.ops(), architecture, limits.cacheType(), limits.pages());
    this.smallestPiece = model.ops().facts().smallestPiece();
    this.cache =
        new CachePool(
            pages, KvCache.pageBytes(architecture, limits.cacheType()), smallestPiece, counters);
    this.speculation =
        new Speculation(drafts, guesses, mostGenerated() - 1, limits.maxConcurrent());
    this.texts = new Texts(limits, cache, speculation, counters);
    this.active = texts.active();
    this.step =
        new Step(
            model,
            pages,
            Math.max(limits.chunkTokens(), leastTokens(smallestPiece, limits.maxConcurrent())),
            limits.maxConcurrent(),
            mostRows(limits.maxConcurrent()),
            limits);
    this.quickStep =
        hasQuickSteps(model.ops().facts())
            ? new Step(model, pages, QUICK_TOKENS, QUICK_TEXTS, QUICK_TEXTS, limits)
            : null;
  }

  /** See {@link Engine#workspaceBytes}. */
  static long workspaceBytes(
      Architecture model, DeviceFacts facts, int chunkTokens, int maxConcurrent) {
    long usual =
        Forward.workspaceBytes(
            model,
            facts,
            Math.max(chunkTokens, leastTokens(facts.smallestPiece(), maxConcurrent)),
            mostRows(maxConcurrent));
    return hasQuickSteps(facts)
        ? usual + Forward.workspaceBytes(model, facts, QUICK_TOKENS, QUICK_TEXTS)
        : usual;
  }

  /** Only there is a step run in parts; see {@link Forward}. */
  private static boolean hasQuickSteps(DeviceFacts facts) {
    return facts.readsHostMemory();
  }

  /** Most rows of logits of a step. */
  private static int mostRows(int maxConcurrent) {
    return maxConcurrent + SCORE_ROWS;
  }

  /**
   * A token of every text being written but one, and two smallest pieces of the last one's prompt.
   */
  private static int leastTokens(int smallestPiece, int maxConcurrent) {
    return maxConcurrent - 1 + leastPiece(smallestPiece);
  }

  /** Room that is enough for a piece of any prompt. */
  private static int leastPiece(int smallestPiece) {
    return 2 * smallestPiece - 1;
  }

  Texts texts() {
    return texts;
  }

  CachePool cache() {
    return cache;
  }

  /** Tells how many texts are paused and who holds the pages now. */
  void count() {
    texts.count();
    cache.count();
  }

  /** Most tokens of a step of a score; chunk is what was asked for, or 0. */
  int scoringTokens(int chunk) {
    return chunk > 0
        ? Math.min(Math.max(chunk, leastPiece(smallestPiece)), step.maxTokens())
        : step.maxTokens();
  }

  /**
   * One step of all texts; those that end are told. False if there was nothing to do.
   *
   * @param arrivals admits what has come since; is called in the middle of a long step
   */
  boolean step(Runnable arrivals) {
    boolean ended = texts.endInterrupted();
    long began = System.nanoTime();
    try {
      chooseTokens();
      fillStep();
      if (step.tokens() == 0) {
        return ended;
      }
      this.arrivals = arrivals;
      quickTokens = step.tokens(); // at most half of the time
      quickNanos = 0;
      step.run(readArrivals);
    } catch (RuntimeException | Error e) {
      texts.fail(inStep(), unchecked(e));
      return true;
    }
    counters.step(step.tokens(), step.texts(), System.nanoTime() - began - quickNanos);
    for (int i = 0; i < active.size(); i++) {
      if (!goesOn(active.get(i), step)) {
        i--;
      }
    }
    speculation.settle(System.nanoTime() - began - quickNanos);
    return true;
  }

  /** The texts that a step feeds; all of them where it failed before it fed any. */
  private List<Active> inStep() {
    List<Active> fed = active.stream().filter(a -> a.fed > 0).toList();
    return fed.isEmpty() ? active : fed;
  }

  /**
   * Reads new prompts that are short in the middle of a step, so that their first tokens do not
   * wait for its end. The step's own texts are left alone.
   */
  private void readArrivals() {
    if (quickStep == null || quickTokens == 0) {
      return;
    }
    arrivals.run();
    int room = Math.min(quickTokens, QUICK_TOKENS);
    List<Active> chosen = List.of();
    for (int i = 0; i < active.size() && chosen.size() < QUICK_TEXTS; i++) {
      Active a = active.get(i);
      int count = a.fed > 0 ? 0 : newPrompt(a, room);
      if (count > 0 && cache.extend(a.sequence, count)) {
        a.fed = count;
        room -= count;
        quickTokens -= count;
        chosen = chosen.isEmpty() ? new ArrayList<>() : chosen;
        chosen.add(a);
      }
    }
    if (!chosen.isEmpty()) {
      quickStep(chosen);
    }
  }

  /** Tokens of a prompt that was not begun, if all are left and fit; else 0. */
  private int newPrompt(Active a, int room) {
    Sequence sequence = a.sequence;
    if (sequence.length() > sequence.promptLength() || isReadBy(a)) {
      return 0;
    }
    cache.catchUp(sequence, a.request.mostShared());
    int count = sequence.pending();
    boolean fits = count <= room && count <= a.request.mostTokens(1);
    return fits && a.request.rows(sequence, count) == 1 ? count : 0;
  }

  private void quickStep(List<Active> chosen) {
    long began = System.nanoTime();
    try {
      quickStep.clear();
      for (int i = 0; i < chosen.size(); i++) {
        if (!feed(chosen.get(i), quickStep)) {
          chosen.remove(i--);
        }
      }
      quickStep.run(() -> {});
      counters.step(quickStep.tokens(), quickStep.texts(), System.nanoTime() - began);
      for (Active a : chosen) {
        if (goesOn(a, quickStep)) {
          a.leaveStep(); // it has none in the one that goes on
        }
      }
    } catch (RuntimeException | Error e) {
      texts.fail(chosen, unchecked(e));
    }
    quickNanos += System.nanoTime() - began;
  }

  /** Takes what a step has of a text; false if it is not active any more. */
  private boolean goesOn(Active a, Step step) {
    try {
      return !texts.leaves(a, advance(a, step));
    } catch (RuntimeException | Error e) {
      texts.fail(List.of(a), unchecked(e));
      return false;
    }
  }

  /** Notes what the step has computed of a text, and returns why it ends; null if it goes on. */
  private FinishReason advance(Active a, Step step) {
    Sequence sequence = a.sequence;
    int prompt = Math.min(a.fed, sequence.promptLength() - sequence.cached());
    int drafted = sequence.drafted();
    sequence.computed(a.fed - drafted); // drafts count once they are accepted
    if (prompt > 0) {
      counters.read(prompt);
      cache.offer(sequence);
    }
    if (a.rows == 0 && a.hidden == 0) {
      return null;
    }
    int before = sequence.length();
    FinishReason reason = step.take(a);
    counters.generated(sequence.length() - before);
    counters.drafted(drafted, sequence.accepted());
    speculation.learn(a, drafted, sequence.length() - before, reason != null);
    return reason;
  }

  /**
   * Decides how many tokens of each text the step feeds, and takes pages for them: texts being
   * written first, so that a long prompt does not hold them up, with their drafts; prompts share
   * what is left.
   */
  private void chooseTokens() {
    int room = step.maxTokens();
    int rows = SCORE_ROWS;
    for (int i = 0; i < active.size(); i++) {
      active.get(i).fed = 0;
      active.get(i).sequence.draft(0);
    }
    // The list may lose its last ones meanwhile, which are paused.
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      if (a.sequence.pending() == 1 && a.request.mostTokens(rows) > 0 && texts.takePages(a, 1)) {
        a.fed = 1;
        room--;
      }
    }
    int drafts = draft(step.maxTokens() - room, room, rows);
    choosePieces(room - drafts, rows - drafts);
  }

  /**
   * Shares the room of a step between prompts: the shortest first, so that a short one does not
   * wait for a long one; but half of it is for the oldest, so that a long one does not wait for
   * ever. A prompt that begins as one that is being read waits, and shares what comes of it.
   */
  private void choosePieces(int room, int rows) {
    readers.clear();
    for (int i = 0; i < active.size(); i++) {
      if (active.get(i).fed == 0) {
        readers.add(active.get(i));
      }
    }
    if (readers.isEmpty()) {
      return;
    }
    Active oldest = readers.get(0);
    int kept = Math.max(room / 2, Math.min(room, leastPiece(smallestPiece)));
    readers.sort(SHORTEST_FIRST);
    for (int i = 0; i < readers.size(); i++) {
      Active a = readers.get(i);
      kept = a == oldest ? 0 : kept;
      int count = texts.isPaused(a) || isReadBy(a) ? 0 : piece(a, room - kept, rows);
      if (count > 0 && texts.takePages(a, count)) {
        a.fed = count;
        room -= count;
        rows -= a.request.rows(a.sequence, count);
      }
    }
  }

  /** Whether the step reads a beginning, for another text, that this one can take over then. */
  private boolean isReadBy(Active a) {
    for (int i = 0; i < readers.size(); i++) {
      Active other = readers.get(i);
      if (other.fed > 0
          && cache.willShare(a.sequence, a.request.mostShared(), other.sequence, other.fed)) {
        return true;
      }
    }
    return false;
  }

  /** Drafts for the texts being written; room for a piece of a prompt stays. */
  private int draft(int written, int room, int rows) {
    int toRead = 0;
    for (int i = 0; i < active.size() && written > 0; i++) {
      Active a = active.get(i);
      int most = a.fed > 0 ? 0 : a.request.mostTokens(rows);
      toRead = Math.min(room, toRead + Math.min(most, a.sequence.pending()));
    }
    return toRead == 0
        ? speculation.draft(active, cache, written, false, room)
        : speculation.draft(
            active, cache, written + toRead, true, room - leastPiece(smallestPiece));
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

  private void fillStep() {
    step.clear();
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      a.rows = 0;
      a.hidden = 0;
      if (a.fed > 0 && !feed(a, step)) {
        i--;
      }
    }
  }

  /** Adds what a text is fed; one that throws then has failed, and is not there any more. */
  private boolean feed(Active a, Step step) {
    try {
      texts.tellOfItsStart(a);
      step.add(a);
      return true;
    } catch (RuntimeException | Error e) {
      texts.drop(a, unchecked(e));
      return false;
    }
  }

  static RuntimeException unchecked(Throwable e) {
    return e instanceof RuntimeException r ? r : new IllegalStateException(e);
  }

  @Override
  public void close() {
    speculation.close();
    step.close();
    if (quickStep != null) {
      quickStep.close();
    }
    cache.close();
  }
}
