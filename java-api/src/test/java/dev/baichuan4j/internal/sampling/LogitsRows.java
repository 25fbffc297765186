package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.internal.nn.TopLogits;

/** Rows of logits that tests make up. */
final class LogitsRows {
  private LogitsRows() {}

  /** A row without the best logits. */
  static LogitsRow of(float... logits) {
    return of(logits, null);
  }

  /**
   * A row with the best logits at hand.
   *
   * @param best those of the row are in the second of their rows
   */
  static LogitsRow of(float[] logits, TopLogits best) {
    LogitsRow row =
        new LogitsRow(
            logits.length, (i, target) -> System.arraycopy(logits, 0, target, 0, logits.length));
    row.moveTo(1, best);
    return row;
  }
}
