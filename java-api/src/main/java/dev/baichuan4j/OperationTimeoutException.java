package dev.baichuan4j;

import java.time.Duration;
import java.util.Objects;

/** Something has not ended within the time that its caller gave it. */
public final class OperationTimeoutException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final String operation;

  /**
   * Creates the exception.
   *
   * @param operation what was going on, as the subject of a sentence
   * @param timeout the time that it was given
   * @param consequence what has become of it, and what to do
   */
  public OperationTimeoutException(String operation, Duration timeout, String consequence) {
    super(
        operation
            + ": has not ended after "
            + Objects.requireNonNull(timeout, "timeout")
            + ", expected its end by then; "
            + consequence);
    this.operation = operation;
  }

  /** Returns what was going on. */
  public String operation() {
    return operation;
  }
}
