package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.checkpoint.StoredRows;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Rows that are read and not mapped: zeros. */
record InMemoryRows(int rowBytes) implements StoredRows {
  static TensorEntry of(TensorEntry entry) {
    long[] shape = entry.shape();
    return new TensorEntry(
        entry.name(),
        entry.dtype(),
        shape,
        entry.file(),
        entry.offset(),
        entry.bytes(),
        Optional.of(new InMemoryRows((int) shape[1] * entry.dtype().size())));
  }

  @Override
  public String kind() {
    return "zeros";
  }

  @Override
  public boolean isCoded() {
    return false;
  }

  @Override
  public void read(long first, int count, boolean wide, ByteBuffer target) {
    target.put(new byte[count * rowBytes]);
  }
}
