package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.sampling.TokenChooser;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A text to be continued. It waits in the engine's queue, is run by the engine's thread, and is
 * told its end once: by {@link #finished} or {@link #failed}. Methods are called by the engine's
 * thread, but for the end of a request that is cancelled while it waits, which the thread that
 * cancels it tells.
 */
public abstract class Request {
  private static final Logger log = LoggerFactory.getLogger(Request.class);

  private final int[] prompt;
  private final int maxNewTokens;
  private final SessionCache session;
  private volatile boolean cancelled;
  private volatile Engine engine; // that it was submitted to

  /**
   * @param prompt ids, at least one
   * @param maxNewTokens most tokens to generate, at least one
   * @param session cache to go on from, or null
   */
  protected Request(int[] prompt, int maxNewTokens, SessionCache session) {
    this.prompt = prompt;
    this.maxNewTokens = maxNewTokens;
    this.session = session;
  }

  final int[] prompt() {
    return prompt;
  }

  final int maxNewTokens() {
    return maxNewTokens;
  }

  final SessionCache session() {
    return session;
  }

  final void submittedTo(Engine engine) {
    this.engine = engine;
  }

  /**
   * May be called from any thread. A request that waits leaves the queue and ends before this
   * returns; one that runs ends before its next token.
   */
  public final void cancel() {
    cancelled = true;
    Engine where = engine;
    if (where != null && where.takeFromQueue(this)) {
      finish(FinishReason.CANCELLED);
    }
  }

  final boolean cancelled() {
    return cancelled;
  }

  /** Is called before the first step; {@code cachedTokens} of the prompt are cached already. */
  protected abstract void started(int cachedTokens);

  /** Returns what chooses the tokens of this text: the same object for all of them. */
  protected abstract TokenChooser chooser();

  /**
   * Takes the token that was chosen last.
   *
   * @return whether it ends the text
   */
  protected abstract boolean accept(int token);

  protected abstract void finished(FinishReason reason);

  protected abstract void failed(RuntimeException failure);

  /** Tells the request of its end; a request that throws then has failed. */
  final void finish(FinishReason reason) {
    try {
      finished(reason);
    } catch (RuntimeException | Error e) {
      fail(Schedule.unchecked(e));
    }
  }

  /** Tells the request that it failed. If it throws then, others are still told of their end. */
  final void fail(RuntimeException failure) {
    try {
      failed(failure);
    } catch (RuntimeException | Error e) {
      log.error("request could not be told that it failed", e);
    }
  }
}
