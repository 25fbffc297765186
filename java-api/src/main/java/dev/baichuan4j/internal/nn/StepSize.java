package dev.baichuan4j.internal.nn;

/**
 * The sizes that the ops of a step depend on.
 *
 * @param tokens T
 * @param sequences B
 * @param rows R, of logits; 0 where none are wanted
 * @param hidden the hidden states of all tokens are computed
 * @param ranking which of the logits of each row are found
 * @param targets bits of the products that adapters add to; 0 for none
 */
record StepSize(int tokens, int sequences, int rows, boolean hidden, Ranking ranking, int targets) {
  enum Ranking {
    NONE,
    /** The best of all. */
    ALL,
    /** The best of those that the masks of the rows allow. */
    ALLOWED;

    static Ranking of(Batch batch) {
      return !batch.ranked() ? NONE : batch.masked() == 0 ? ALL : ALLOWED;
    }
  }

  static StepSize of(Batch batch) {
    return new StepSize(
        batch.tokens(),
        batch.sequences(),
        batch.logits(),
        batch.hidden(),
        Ranking.of(batch),
        batch.targets());
  }

  /** Returns whether a step has this size, without making one. */
  boolean isOf(Batch batch) {
    return tokens == batch.tokens()
        && sequences == batch.sequences()
        && rows == batch.logits()
        && hidden == batch.hidden()
        && ranking == Ranking.of(batch)
        && targets == batch.targets();
  }
}
