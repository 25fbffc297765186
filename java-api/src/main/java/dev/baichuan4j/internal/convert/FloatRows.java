package dev.baichuan4j.internal.convert;

import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.nio.ByteBuffer;
import java.util.List;

/** A vector that is computed and in no file. */
final class FloatRows implements Rows {
  private final float[] numbers;

  FloatRows(float[] numbers) {
    this.numbers = numbers;
  }

  @Override
  public DType type() {
    return DType.F32;
  }

  @Override
  public long count() {
    return numbers.length;
  }

  @Override
  public int columns() {
    return 1;
  }

  @Override
  public List<TensorEntry> entries() {
    return List.of();
  }

  @Override
  public void read(long first, int count, ByteBuffer target) {
    for (int i = 0; i < count; i++) {
      target.putFloat(numbers[(int) first + i]);
    }
  }
}
