package dev.baichuan4j;

/** A prompt, or a prompt and the answer asked for, is longer than the model's context. */
public final class ContextOverflowException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final int tokens;
  private final int limit;

  /**
   * Creates the exception.
   *
   * @param tokens the tokens that were to be kept in the context
   * @param limit the tokens that the context holds
   */
  public ContextOverflowException(int tokens, int limit) {
    super(
        "context: request has "
            + tokens
            + " tokens, expected at most "
            + limit
            + "; shorten the prompt, ask for fewer new tokens, or load with a longer context");
    this.tokens = tokens;
    this.limit = limit;
  }

  /** Returns the tokens that were to be kept in the context. */
  public int tokens() {
    return tokens;
  }

  /** Returns the tokens that the context holds. */
  public int limit() {
    return limit;
  }
}
