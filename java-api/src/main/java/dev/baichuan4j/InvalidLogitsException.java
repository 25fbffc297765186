package dev.baichuan4j;

/**
 * A forward pass gave logits that no token can be chosen from: one of them is not a number or
 * positive infinity, or all of them are negative infinity. Weights that overflow their number
 * format are the usual reason; no request causes it.
 */
public final class InvalidLogitsException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what the logits have, and what was expected
   */
  public InvalidLogitsException(String message) {
    super(message);
  }
}
