package dev.baichuan4j;

/**
 * How soon a request is due among those that wait. A priority is a share, not a rank: of two
 * callers that both keep requests waiting, one of the next higher priority gets eight times the
 * tokens, so that nobody waits for ever.
 */
public enum Priority {
  /** A share of an eighth: for work that nobody looks at. */
  LOW(0.125),
  /** The usual share. */
  NORMAL(1),
  /** A share of eight: for somebody who waits at a screen. */
  HIGH(8);

  private final double share;

  Priority(double share) {
    this.share = share;
  }

  /** Returns the share of tokens, beside 1 of {@link #NORMAL}. */
  public double share() {
    return share;
  }
}
