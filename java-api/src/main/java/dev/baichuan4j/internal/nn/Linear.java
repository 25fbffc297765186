package dev.baichuan4j.internal.nn;

import java.util.Objects;
import java.util.stream.Stream;

/**
 * A matrix that activations are multiplied by: out [T,N] = (x [T,K] weight^T) * rowScale + bias.
 *
 * @param weight [N,K]
 * @param rowScale [N] F32: factor of each of the N, or null
 * @param bias [N] F32: added last, or null
 */
record Linear(Tensor weight, Tensor rowScale, Tensor bias) {
  static Linear of(Tensor weight) {
    return new Linear(weight, null, null);
  }

  void apply(Ops ops, Tensor out, Tensor x) {
    ops.matmul(out, x, weight, rowScale, bias);
  }

  /** Returns N. */
  long outputs() {
    return weight.size(0);
  }

  /** Returns the bytes that a product reads. */
  long bytes() {
    return Stream.of(weight, rowScale, bias)
        .filter(Objects::nonNull)
        .mapToLong(Tensor::bytes)
        .sum();
  }
}
