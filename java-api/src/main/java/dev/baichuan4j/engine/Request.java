package dev.baichuan4j.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.nn.TopLogits;

/** A text to be continued. Methods are called by the scheduler's thread. */
public abstract class Request {
  private final int[] prompt;
  private final int maxNewTokens;
  private final SessionCache session;
  private volatile boolean cancelled;

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

  /** May be called from any thread; takes effect before the next token. */
  public final void cancel() {
    cancelled = true;
  }

  final boolean cancelled() {
    return cancelled;
  }

  /** The first step is about to run; so many tokens of the prompt are cached already. */
  protected abstract void started(int cachedTokens);

  /**
   * Whether to try the best logits first. All of them have to be copied otherwise.
   *
   * @param count how many of the best there are
   */
  protected boolean triesTop(int count) {
    return false;
  }

  /**
   * Chooses the next token from the best logits; called if {@link #triesTop}.
   *
   * @param row the row of this text
   * @return the token; {@link Sampler#NONE} if all logits are needed for it, and nothing has
   *     happened then
   */
  protected int next(TopLogits top, int row) {
    return Sampler.NONE;
  }

  /**
   * Chooses the next token.
   *
   * @param logits [V]; may be changed
   * @return the token
   */
  protected abstract int next(float[] logits);

  /** Whether the token chosen last ends the text. */
  protected abstract boolean ended();

  protected abstract void finished(FinishReason reason);

  protected abstract void failed(RuntimeException failure);
}
