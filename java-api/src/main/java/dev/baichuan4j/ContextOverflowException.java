package dev.baichuan4j;

/** A prompt, or a prompt and the answer asked for, is longer than the model's context. */
public final class ContextOverflowException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final int systemTokens;
  private final int promptTokens;
  private final int newTokens;
  private final int contextLength;

  /**
   * Creates the exception for a prompt of one piece.
   *
   * @param promptTokens the tokens of the prompt
   * @param newTokens the tokens that were to be free for the answer; 0 where there is none
   * @param contextLength the tokens that the context holds
   */
  public ContextOverflowException(int promptTokens, int newTokens, int contextLength) {
    this(
        promptTokens + " tokens of the prompt",
        0,
        promptTokens,
        newTokens,
        contextLength,
        "shorten the prompt");
  }

  /**
   * Creates the exception for a conversation.
   *
   * @param systemTokens the tokens of the system text
   * @param messageTokens the tokens of the other messages that must not be left out, with the ids
   *     that open them and the answer
   * @param newTokens the tokens that were to be free for the answer
   * @param contextLength the tokens that the context holds
   */
  public ContextOverflowException(
      int systemTokens, int messageTokens, int newTokens, int contextLength) {
    this(
        systemTokens
            + " tokens of the system text, "
            + messageTokens
            + " of the messages that must not be left out",
        systemTokens,
        systemTokens + messageTokens,
        newTokens,
        contextLength,
        "shorten the messages");
  }

  private ContextOverflowException(
      String what,
      int systemTokens,
      int promptTokens,
      int newTokens,
      int contextLength,
      String remedy) {
    super(
        "context: request has "
            + what
            + (newTokens > 0
                ? " and " + newTokens + " new " + (newTokens == 1 ? "token" : "tokens") + " to come"
                : "")
            + ", expected at most "
            + contextLength
            + " together; "
            + (newTokens > 1 && promptTokens < contextLength
                ? "ask for at most " + (contextLength - promptTokens) + " new tokens, "
                : "")
            + remedy
            + ", or load with a longer context");
    this.systemTokens = systemTokens;
    this.promptTokens = promptTokens;
    this.newTokens = newTokens;
    this.contextLength = contextLength;
  }

  /** Returns the tokens of the system text; 0 where the prompt was no conversation. */
  public int systemTokens() {
    return systemTokens;
  }

  /** Returns the tokens that had to be in the context before the answer, the system text too. */
  public int promptTokens() {
    return promptTokens;
  }

  /** Returns the tokens that were to be free for the answer; 0 where none was asked for. */
  public int newTokens() {
    return newTokens;
  }

  /** Returns the tokens that the context holds. */
  public int contextLength() {
    return contextLength;
  }
}
