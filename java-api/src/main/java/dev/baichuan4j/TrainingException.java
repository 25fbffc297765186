package dev.baichuan4j;

/** Training came to a number that is not finite, from where it cannot go on. */
public final class TrainingException extends BaichuanException {
  private static final long serialVersionUID = 1L;

  private final long step;

  /**
   * Makes one.
   *
   * @param step the step that failed, from 1
   * @param message what was found, and what to do
   */
  public TrainingException(long step, String message) {
    super(message);
    this.step = step;
  }

  /** Returns the step that failed, from 1. */
  public long step() {
    return step;
  }
}
