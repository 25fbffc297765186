package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.RequestMetrics;
import dev.baichuan4j.internal.nn.Adapter;
import dev.baichuan4j.internal.nn.Batch;
import dev.baichuan4j.internal.nn.Forward;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A text that the model is to read, and perhaps to continue. It waits in the engine's queue, is run
 * by the engine's thread, and is told its end once: by {@link #finished} or {@link #failed}.
 * Methods are called by the engine's thread, but for the end of a request that is cancelled while
 * it waits, which the thread that cancels it tells.
 */
public abstract class Request {
  private static final Logger log = LoggerFactory.getLogger(Request.class);

  private static final long NEVER = Long.MAX_VALUE;

  private final int[] prompt;
  private final Terms terms;
  private final Timeline timeline = new Timeline();
  private boolean begun; // has left the queue
  private boolean ended;
  private volatile Adapters adapters; // that it holds one of; null: none
  private volatile LoadedAdapter adapter;
  private RequestEvent event; // null: nobody recorded when it was submitted
  private volatile boolean cancelled;
  private volatile long deadline = NEVER; // of System.nanoTime(), from its submission on
  private volatile Mailbox mailbox; // that it was submitted to

  /**
   * @param prompt ids, at least one
   */
  Request(int[] prompt, Terms terms) {
    this.prompt = prompt;
    this.terms = terms;
  }

  final int[] prompt() {
    return prompt;
  }

  final String caller() {
    return terms.caller();
  }

  /**
   * What is computed of it is shared with requests of the same salt alone: that of its terms, and
   * the generation of its adapter. A colon keeps all of these apart.
   */
  final String salt() {
    if (adapter != null) {
      return adapter.generation() + ":" + terms.salt();
    }
    return terms.salt().isEmpty() ? "" : ":" + terms.salt();
  }

  /** What is added to the products of its tokens; null for none. */
  final Adapter adapter() {
    return adapter == null ? null : adapter.adapter();
  }

  /**
   * Has it use the adapter of its terms until it has ended.
   *
   * @throws dev.baichuan4j.InvalidRequestException when there is none of that name
   */
  final void holdAdapter(Adapters from) {
    if (!terms.adapter().isEmpty()) {
      adapter = from.hold(terms.adapter());
      adapters = from;
    }
  }

  /** Has it use the adapter that an earlier request uses, whatever has that name now. */
  final void holdAdapterOf(Request earlier) {
    if (earlier.adapters != null) {
      earlier.adapters.hold(earlier.adapter);
      adapter = earlier.adapter;
      adapters = earlier.adapters;
    }
  }

  /** It uses its adapter no more. */
  final void releaseAdapter() {
    Adapters from = adapters;
    if (from != null) {
      adapters = null;
      from.release(adapter);
    }
  }

  /** Tokens that it may take, as its priority counts them. */
  final double cost() {
    return tokens() / terms.priority().share();
  }

  /** Tokens that it may take. */
  int tokens() {
    return positions(Integer.MAX_VALUE);
  }

  /** When it was submitted and how far it has come. */
  protected final Timeline timeline() {
    return timeline;
  }

  final void submittedTo(Mailbox mailbox) {
    tellOfSubmission(mailbox);
    long nanos = terms.nanos();
    timeline.submit();
    deadline = nanos == NEVER ? NEVER : System.nanoTime() + nanos;
  }

  /**
   * As {@link #submittedTo(Mailbox)}, for a request that has the time that is left of another's.
   */
  final void submittedTo(Mailbox mailbox, Request earlier) {
    tellOfSubmission(mailbox);
    timeline.submitWith(earlier.timeline);
    deadline = earlier.deadline;
  }

  private void tellOfSubmission(Mailbox mailbox) {
    this.mailbox = mailbox;
    if (!isPart()) {
      event = FlightRecording.request(); // before its time begins: the first one loads classes
      mailbox.counters().submitted();
    }
  }

  /** Nanoseconds until its time is over, 0 if it is; the greatest number if it has all the time. */
  final long nanosLeft() {
    long end = deadline;
    return end == NEVER ? NEVER : Math.max(0, end - System.nanoTime());
  }

  /** Why it has to end now; null if it may go on. */
  final FinishReason interruption() {
    return cancelled ? FinishReason.CANCELLED : nanosLeft() == 0 ? FinishReason.TIMEOUT : null;
  }

  /** The engine has to look at this request again. */
  final void wakeEngine() {
    Mailbox where = mailbox;
    if (where != null) {
      where.wake();
    }
  }

  /**
   * May be called from any thread. A request that waits leaves the queue and ends before this
   * returns; one that runs ends before its next token.
   */
  public final void cancel() {
    cancelled = true;
    Mailbox where = mailbox;
    if (where != null && where.cancel(this)) {
      finish(FinishReason.CANCELLED);
    }
    wakeEngine();
  }

  /** Positions that have to be left for it beside its prompt. */
  int leastNewTokens() {
    return 1;
  }

  /** Whether it is a part of another request, which alone is counted, recorded and logged. */
  boolean isPart() {
    return false;
  }

  /** Most positions that its text will have in a context of the given length. */
  abstract int positions(int contextLength);

  /** Most tokens at its beginning that need not be fed again if they are computed. */
  abstract int mostShared();

  /**
   * Most tokens that the next step may feed of it; 0 if it cannot go on at the moment.
   *
   * @param rows rows of logits that the step has left
   */
  abstract int mostTokens(int rows);

  /** Most guesses of its next tokens that a step may verify; see {@link Speculation}. */
  int mostDrafts() {
    return 0;
  }

  /** Rows of logits, for the last ones of the next {@code count} tokens, that it wants. */
  abstract int rows(Sequence sequence, int count);

  /**
   * The tokens that may follow its next row, as {@link Batch#mask} takes them; null if all may. It
   * is asked once for each row, before {@link #wantsBestLogits}.
   */
  protected long[] allowedTokens() {
    return null;
  }

  /** Whether it wants the best logits of its next row. */
  abstract boolean wantsBestLogits(int count);

  /**
   * Takes the rows of a step.
   *
   * @param row to be moved to a row of the step
   * @param first number of its first row
   * @param count its rows, at least one
   * @param best the best logits of the step; null if it did not rank its rows
   * @return why the text ends; null if it goes on
   */
  abstract FinishReason take(
      Sequence sequence, LogitsRow row, int first, int count, TopLogits best, int contextLength);

  /**
   * Hidden states, of the last ones of the next {@code count} tokens, that it wants; none unless it
   * overrides this.
   */
  int hiddenStates(Sequence sequence, int count) {
    return 0;
  }

  /**
   * Takes the hidden states of a step.
   *
   * @param first number of its first token in the step
   * @param count its tokens that it wants them of, at least one
   * @return why the text ends; null if it goes on
   */
  FinishReason takeHidden(Sequence sequence, Forward step, int first, int count) {
    throw new IllegalStateException("request wants no hidden states");
  }

  /** Is called before the first step; {@code cachedTokens} of the prompt are cached already. */
  protected void started(int cachedTokens) {}

  protected abstract void finished(FinishReason reason);

  protected abstract void failed(RuntimeException failure);

  /** It has left the queue, and shares some tokens of its prompt with others. */
  final void begin(int cachedTokens) {
    begun = true;
    mailbox.counters().began(prompt.length, cachedTokens);
  }

  /** Tells the request that its first step follows. */
  final void start(int cachedTokens) {
    timeline.start(cachedTokens);
    started(cachedTokens);
  }

  /** Tells everybody else of its end, once. */
  private void end(Optional<FinishReason> reason) {
    if (ended) {
      return;
    }
    ended = true;
    timeline.end();
    if (isPart()) {
      mailbox.counters().partEnded(begun);
      return;
    }
    RequestMetrics metrics =
        new RequestMetrics(
            terms.caller(), timeline.usage(prompt.length), timeline.timings(), reason);
    mailbox.counters().ended(metrics, begun, timeline.isStarted());
    if (event != null) {
      event.end(metrics);
    }
    mailbox.observers().tell(metrics);
  }

  /** Tells the request of its end; a request that throws then has failed. */
  final void finish(FinishReason reason) {
    end(Optional.of(reason));
    try {
      finished(reason); // what it submits next holds the adapter by then
    } catch (RuntimeException | Error e) {
      fail(Schedule.unchecked(e));
    } finally {
      releaseAdapter();
    }
  }

  /** Tells the request that it failed. If it throws then, others are still told of their end. */
  final void fail(RuntimeException failure) {
    end(Optional.empty());
    try {
      failed(failure);
    } catch (RuntimeException | Error e) {
      log.error("request could not be told that it failed", e);
    } finally {
      releaseAdapter();
    }
  }
}
