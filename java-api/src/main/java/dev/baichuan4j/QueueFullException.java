package dev.baichuan4j;

/** As many requests as the model was told to queue are waiting already. */
public final class QueueFullException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final int limit;

  /**
   * Creates the exception.
   *
   * @param limit the requests that may wait
   */
  public QueueFullException(int limit) {
    super(
        "queue: has "
            + limit
            + " waiting requests, expected fewer than "
            + limit
            + "; try again when others are done, or load with a longer queue");
    this.limit = limit;
  }

  /** Returns the requests that may wait. */
  public int limit() {
    return limit;
  }
}
