package dev.baichuan4j.internal.nn;

/**
 * The second moments of what a matrix [N,K] is multiplied by.
 *
 * @param sums [K,K] F32
 * @param factor [K,K] F32, once all activations are seen
 */
record Moments(Tensor sums, Tensor factor) implements AutoCloseable {
  static Moments of(Ops ops, long columns) {
    return new Moments(
        ops.tensor(ElementType.F32, columns, columns),
        ops.tensor(ElementType.F32, columns, columns));
  }

  @Override
  public void close() {
    sums.close();
    factor.close();
  }
}
