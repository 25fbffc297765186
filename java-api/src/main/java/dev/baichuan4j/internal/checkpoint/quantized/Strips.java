package dev.baichuan4j.internal.checkpoint.quantized;

import java.lang.ref.SoftReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Columns of stored matrices, of which more are read than are asked for. AWQ stores a matrix [N,K]
 * as K rows, so that a few rows of the matrix are a few bytes in each of K places; the rows that
 * are asked for next lie beside them. The last strip is kept as long as there is memory for it.
 */
final class Strips {
  /** Bytes of a strip, unless more are asked for. */
  private static final long BYTES = 16 << 20;

  private record Strip(RawTensor tensor, long first, long count, ByteBuffer bytes) {
    boolean holds(RawTensor other, long from, long columns) {
      return tensor == other && from >= first && from + columns <= first + count;
    }
  }

  private volatile SoftReference<Strip> last = new SoftReference<>(null);

  /** Returns columns of a matrix, as {@link RawTensor#columns} does. */
  int[] columns(RawTensor tensor, long first, long count) {
    Strip strip = last.get();
    if (strip == null || !strip.holds(tensor, first, count)) {
      long wide = Math.max(count, BYTES / Math.max(1, tensor.shape()[0] * tensor.type().size()));
      wide = Math.min(wide, tensor.shape()[1] - first);
      strip = new Strip(tensor, first, wide, tensor.columns(first, wide));
      last = new SoftReference<>(strip);
    }
    int rows = Math.toIntExact(tensor.shape()[0]);
    int[] words = new int[Math.toIntExact(rows * count)];
    ByteBuffer bytes = strip.bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < rows; row++) {
      bytes.position(Math.toIntExact((row * strip.count + first - strip.first) * Integer.BYTES));
      bytes.asIntBuffer().get(words, Math.toIntExact(row * count), Math.toIntExact(count));
    }
    return words;
  }
}
