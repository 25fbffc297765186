package dev.baichuan4j.internal.nn;

/**
 * The second moments of what a matrix [N,K] is multiplied by.
 *
 * @param sums [K,K] F32: of x, which comes through quantized matrices
 * @param cross [K,K] F32: of y - x with x, where y comes through the matrices as they were; null
 *     where x comes through those too
 * @param factor [K,K] F32 of the sums, once all activations are seen
 */
record Moments(Tensor sums, Tensor cross, Tensor factor) implements AutoCloseable {
  /**
   * How much of y - x weights make up for. Half of it is better than all on texts that were not
   * seen: measured in docs/calibration.md.
   */
  static final float SHARE = 0.5f;

  /** Matrices [K,K] at a time. */
  static final int MATRICES = 3;

  static Moments of(Ops ops, long columns, boolean crossed) {
    return new Moments(
        ops.tensor(ElementType.F32, columns, columns),
        crossed ? ops.tensor(ElementType.F32, columns, columns) : null,
        ops.tensor(ElementType.F32, columns, columns));
  }

  @Override
  public void close() {
    sums.close();
    if (cross != null) {
      cross.close();
    }
    factor.close();
  }
}
