package dev.baichuan4j.internal.nn;

/**
 * The K best logits of every row of a step, best first, of equals the lower id first. A NaN comes
 * before every number, so a row that has one shows it. A masked row has the best of the tokens that
 * its mask allows, and fewer than K where it allows fewer.
 */
public final class TopLogits {
  private final float[] values; // [R,K]
  private final int[] ids; // [R,K]
  private final int count;

  /**
   * @param values [R,K]; kept
   * @param ids [R,K], the tokens that they belong to, -1 where a row has no more; kept
   * @param count K
   */
  public TopLogits(float[] values, int[] ids, int count) {
    this.values = values;
    this.ids = ids;
    this.count = count;
  }

  /** K. */
  public int count() {
    return count;
  }

  /** Returns how many of the K a row has. */
  public int count(int row) {
    int there = count;
    while (there > 0 && id(row, there - 1) < 0) {
      there--;
    }
    return there;
  }

  /** Returns the logit of rank {@code rank} of a row, from 0 on. */
  public float value(int row, int rank) {
    return values[row * count + rank];
  }

  /** Returns the token of rank {@code rank} of a row, from 0 on. */
  public int id(int row, int rank) {
    return ids[row * count + rank];
  }

  /** Takes the rows of a step in place of what was here. */
  void read(Tensor values, Tensor ids, int rows) {
    values.read(this.values, rows * count);
    ids.read(this.ids, rows * count);
  }
}
