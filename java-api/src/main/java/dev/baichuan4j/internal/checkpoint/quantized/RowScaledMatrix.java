package dev.baichuan4j.internal.checkpoint.quantized;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * A matrix [N,K] of the 8-bit codes of bitsandbytes (LLM.int8): a code from -127 to 127 times the
 * largest magnitude of its row, divided by 127. The products are those of {@code
 * int8_vectorwise_dequant} in bitsandbytes/_ops.py of
 * github.com/bitsandbytes-foundation/bitsandbytes: in f32, first with the magnitude, then with the
 * f32 that is nearest to 1 / 127. Its own matrix product quantizes activations to 8 bits besides,
 * which is not done here.
 *
 * @param codes I8 [N,K]
 * @param largest F32 [N]
 */
record RowScaledMatrix(RawTensor codes, RawTensor largest) implements QuantizedMatrix {
  private static final float PER_CODE = (float) 7.874015718698502e-3;

  @Override
  public String kind() {
    return "bitsandbytes int8";
  }

  @Override
  public int bits() {
    return 8;
  }

  @Override
  public Element numbers() {
    return Element.F32;
  }

  @Override
  public List<RawTensor> parts() {
    return List.of(codes, largest);
  }

  @Override
  public void read(long first, int count, Element type, ByteBuffer target) {
    ByteBuffer bytes = codes.rows(first, count);
    float[] scales = Element.F32.numbers(largest.range(first, count));
    float[] row = new float[(int) codes.shape()[1]];
    for (float scale : scales) {
      for (int k = 0; k < row.length; k++) {
        row[k] = bytes.get() * scale * PER_CODE;
      }
      type.put(row, target);
    }
  }
}
