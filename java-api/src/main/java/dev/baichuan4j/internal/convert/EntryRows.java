package dev.baichuan4j.internal.convert;

import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.StoredRows;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The rows of a tensor of a checkpoint; codes and sums are read as f32.
 *
 * @param roundsSums whether sums are read as the type of what they are sums of, as a load has them
 */
record EntryRows(TensorEntry entry, boolean roundsSums) implements Rows {
  @Override
  public DType type() {
    return entry.isCoded() && !isRounded() ? DType.F32 : entry.dtype();
  }

  private boolean isRounded() {
    return roundsSums && entry.rows().filter(StoredRows::isSum).isPresent();
  }

  @Override
  public long count() {
    return entry.shape()[0];
  }

  @Override
  public int columns() {
    long[] shape = entry.shape();
    return shape.length == 1 ? 1 : (int) shape[1];
  }

  @Override
  public List<TensorEntry> entries() {
    return List.of(entry);
  }

  @Override
  public void read(long first, int count, ByteBuffer target) {
    if (entry.rows().isPresent()) {
      entry.rows().get().read(first, count, !isRounded(), target);
      return;
    }
    int rowBytes = columns() * entry.dtype().size();
    copy(entry, first * rowBytes, count * rowBytes, target);
  }

  /** Appends bytes of a tensor as they lie. */
  static void copy(TensorEntry entry, long from, int bytes, ByteBuffer target) {
    int end = target.position() + bytes;
    entry.readBytes(from, target.duplicate().limit(end));
    target.position(end);
  }
}
