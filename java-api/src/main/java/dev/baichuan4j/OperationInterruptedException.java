package dev.baichuan4j;

/**
 * A thread was interrupted in a call that reads files or waits for a model, and the call ended
 * before its work was done. The thread's interrupt flag stays set, as after {@link
 * java.nio.channels.ClosedByInterruptException}, so that its owner sees it too; clear it with
 * {@link Thread#interrupted} before another try.
 */
public final class OperationInterruptedException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final String operation;

  /**
   * Creates the exception.
   *
   * @param operation what was going on, as the subject of a sentence
   * @param consequence what has become of it, and what to do
   * @param cause the failure that showed the interrupt, or null
   */
  public OperationInterruptedException(String operation, String consequence, Throwable cause) {
    super(
        operation
            + ": its thread has been interrupted, expected to go on to the end; "
            + consequence,
        cause);
    this.operation = operation;
  }

  /**
   * Lets an operation end early: between its parts, and where its input and output fail because
   * their thread is interrupted.
   *
   * @param operation what is going on, as the subject of a sentence
   * @throws OperationInterruptedException if the calling thread's interrupt flag is set, and stays
   *     so
   */
  public static void check(String operation) {
    if (Thread.currentThread().isInterrupted()) {
      throw new OperationInterruptedException(operation, "nothing is left of it; call again", null);
    }
  }

  /** Returns what was going on. */
  public String operation() {
    return operation;
  }
}
