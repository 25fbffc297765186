package dev.baichuan4j.internal.nn;

/**
 * The sizes that the ops of a step depend on.
 *
 * @param tokens T
 * @param sequences B
 * @param rows R, of logits; 0 where none are wanted
 * @param hidden the hidden states of all tokens are computed
 * @param ranked the best logits of each row are found
 */
record StepSize(int tokens, int sequences, int rows, boolean hidden, boolean ranked) {
  static StepSize of(Batch batch) {
    return new StepSize(
        batch.tokens(), batch.sequences(), batch.logits(), batch.hidden(), batch.ranked());
  }

  /** Returns whether a step has this size, without making one. */
  boolean isOf(Batch batch) {
    return tokens == batch.tokens()
        && sequences == batch.sequences()
        && rows == batch.logits()
        && hidden == batch.hidden()
        && ranked == batch.ranked();
  }
}
