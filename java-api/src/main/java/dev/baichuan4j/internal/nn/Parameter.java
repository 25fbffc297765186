package dev.baichuan4j.internal.nn;

/**
 * A tensor that training changes. Closing it frees its tensors.
 *
 * @param name of the tensor in a checkpoint, or of the matrix in an adapter
 * @param weight F32, or BF16 for weights that are rounded stochastically
 * @param copy the weight rounded to BF16, which products read; null where they read the weight
 * @param gradient F32, of the same shape
 * @param decays whether weight decay applies to it: to matrices, and not to norms and biases
 * @param rateFactor of the learning rate: LoRA+ has a larger one for B
 */
public record Parameter(
    String name, Tensor weight, Tensor copy, Tensor gradient, boolean decays, float rateFactor)
    implements AutoCloseable {
  /** Returns the tensor that the forward pass reads. */
  Tensor used() {
    return copy == null ? weight : copy;
  }

  /** Returns how many numbers it has. */
  public long elements() {
    return gradient.bytes() / Float.BYTES;
  }

  @Override
  public void close() {
    weight.close();
    gradient.close();
    if (copy != null) {
      copy.close();
    }
  }
}
