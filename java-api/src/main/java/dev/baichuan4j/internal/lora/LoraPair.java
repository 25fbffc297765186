package dev.baichuan4j.internal.lora;

import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.checkpoint.WeightRows;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

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
  /** Returns the bytes of A [R,K], row by row, in the type that it has in its file. */
  public ByteBuffer readA() {
    return bytes(WeightRows.read(a, 0, rank()), a);
  }

  /**
   * Returns the bytes of the transpose of B, [R,N], row by row, in the type that it has in its
   * file.
   */
  public ByteBuffer readB() {
    int ranks = rank();
    int outputs = outputs();
    float[] stored = WeightRows.read(b, 0, outputs);
    float[] turned = new float[stored.length];
    for (int n = 0; n < outputs; n++) {
      for (int r = 0; r < ranks; r++) {
        turned[r * outputs + n] = stored[n * ranks + r];
      }
    }
    return bytes(turned, b);
  }

  private static ByteBuffer bytes(float[] numbers, TensorEntry entry) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Math.multiplyExact(numbers.length, entry.dtype().size()))
            .order(ByteOrder.LITTLE_ENDIAN);
    WeightRows.append(numbers, entry.dtype(), bytes);
    return bytes.flip();
  }

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
