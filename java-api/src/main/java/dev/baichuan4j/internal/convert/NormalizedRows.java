package dev.baichuan4j.internal.convert;

import dev.baichuan4j.internal.checkpoint.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Rows divided by their lengths, with sums in double. A row of zeros stays one: torch's normalize,
 * which the published model calls, divides by 1e-12 at least.
 */
final class NormalizedRows extends Rows.ChangedRows {
  private static final double LEAST = 1e-12;

  NormalizedRows(Rows rows) {
    super(rows, rows.count());
  }

  @Override
  public DType type() {
    return DType.F32;
  }

  @Override
  public void read(long first, int count, ByteBuffer target) {
    int columns = rows.columns();
    ByteBuffer stored =
        ByteBuffer.allocate(count * columns * rows.type().size()).order(ByteOrder.LITTLE_ENDIAN);
    rows.read(first, count, stored);
    float[] numbers = new float[count * columns];
    Numbers.decode(stored.flip(), rows.type(), numbers, numbers.length);
    for (int row = 0; row < numbers.length; row += columns) {
      double squares = 0;
      for (int i = row; i < row + columns; i++) {
        squares += (double) numbers[i] * numbers[i];
      }
      double length = Math.max(Math.sqrt(squares), LEAST);
      for (int i = row; i < row + columns; i++) {
        target.putFloat((float) (numbers[i] / length));
      }
    }
  }
}
