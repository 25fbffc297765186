package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.internal.nn.TopLogits;

/**
 * One row of the logits of a step, as a {@link TokenChooser} sees it. The best of its logits may be
 * at hand, of those that its mask allows; all of them can always be had, but are copied from the
 * device only when they are asked for. One object serves all rows, one after the other, and
 * allocates nothing.
 */
public final class LogitsRow {
  /** Where the logits of a step lie. */
  @FunctionalInterface
  public interface Source {
    /** Copies all logits of row {@code row} of the last step into {@code target} [V]. */
    void copy(int row, float[] target);
  }

  private final Source source;
  private final float[] all; // [V]
  private TopLogits best; // null: not at hand
  private int row;
  private boolean complete; // all has this row

  /**
   * Creates a row that has to {@linkplain #moveTo move} to a place before it is read.
   *
   * @param vocabulary V, the number of logits of a row
   * @param source where all logits of a row are copied from
   */
  public LogitsRow(int vocabulary, Source source) {
    this.source = source;
    this.all = new float[vocabulary];
  }

  /**
   * Becomes another row.
   *
   * @param row its number in the last step
   * @param best the best logits of the rows of that step; null if the step did not rank them
   */
  public void moveTo(int row, TopLogits best) {
    this.row = row;
    this.best = best;
    complete = false;
  }

  /** Returns how many of the best logits are at hand; 0 if none are. */
  public int bestCount() {
    return best == null ? 0 : best.count(row);
  }

  /** Returns whether the best logits at hand are all that the row's mask allows. */
  public boolean bestAreAllAllowed() {
    return best != null && best.count(row) < best.count();
  }

  /**
   * Returns the logit of a rank: 0 is the best. A NaN anywhere in the row comes first.
   *
   * @param rank at least 0 and less than {@link #bestCount}
   */
  public float bestLogit(int rank) {
    return best.value(row, rank);
  }

  /**
   * Returns the token of a rank; of equal logits the lower token comes first.
   *
   * @param rank at least 0 and less than {@link #bestCount}
   */
  public int bestId(int rank) {
    return best.id(row, rank);
  }

  /**
   * Returns all logits [V] of the row, by token id. The first call for a row copies them.
   *
   * @return to be read only; valid until this object becomes another row
   */
  public float[] all() {
    if (!complete) {
      source.copy(row, all);
      complete = true;
    }
    return all;
  }

  /** Returns how many logits the row has. */
  public int size() {
    return all.length;
  }

  /** Copies all logits of the row into {@code target} [V]. */
  public void copyTo(float[] target) {
    source.copy(row, target);
  }

  /** Returns whether {@link #all} was called for this row, so that it has been copied. */
  public boolean isComplete() {
    return complete;
  }
}
