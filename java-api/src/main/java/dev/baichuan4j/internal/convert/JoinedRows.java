package dev.baichuan4j.internal.convert;

import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * The rows of several tensors, one after the other; in f32 where their types differ.
 *
 * @param parts of as many columns
 */
record JoinedRows(List<Rows> parts) implements Rows {
  @Override
  public DType type() {
    DType type = parts.get(0).type();
    return parts.stream().allMatch(part -> part.type() == type) ? type : DType.F32;
  }

  @Override
  public long count() {
    return parts.stream().mapToLong(Rows::count).sum();
  }

  @Override
  public int columns() {
    return parts.get(0).columns();
  }

  @Override
  public List<TensorEntry> entries() {
    return parts.stream().flatMap(part -> part.entries().stream()).toList();
  }

  @Override
  public void read(long first, int count, ByteBuffer target) {
    long begin = 0;
    for (Rows part : parts) {
      long from = Math.max(first, begin);
      long end = Math.min(first + count, begin + part.count());
      if (from < end) {
        read(part, from - begin, (int) (end - from), target);
      }
      begin += part.count();
    }
  }

  private void read(Rows part, long first, int count, ByteBuffer target) {
    if (part.type() == type()) {
      part.read(first, count, target);
      return;
    }
    int numbers = count * columns();
    ByteBuffer stored =
        ByteBuffer.allocate(numbers * part.type().size()).order(ByteOrder.LITTLE_ENDIAN);
    part.read(first, count, stored);
    float[] wide = new float[numbers];
    Numbers.decode(stored.flip(), part.type(), wide, numbers);
    Numbers.encode(wide, numbers, DType.F32, target);
  }
}
