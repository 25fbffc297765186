package dev.baichuan4j.internal.lora;

import dev.baichuan4j.internal.checkpoint.TensorEntry;

/**
 * What an adapter adds to one product: {@code scale * (x aᵀ) bᵀ}.
 *
 * @param target which product
 * @param layer of which layer; 0 for the head
 * @param a [R,K]
 * @param b [N,R]
 * @param scale a finite number
 */
public record LoraPair(Target target, int layer, TensorEntry a, TensorEntry b, float scale) {
  /** Returns R. */
  public int rank() {
    return (int) a.shape()[0];
  }

  /** Returns K. */
  public int inputs() {
    return (int) a.shape()[1];
  }

  /** Returns N. */
  public int outputs() {
    return (int) b.shape()[0];
  }
}
