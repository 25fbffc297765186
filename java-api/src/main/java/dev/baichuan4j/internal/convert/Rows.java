package dev.baichuan4j.internal.convert;

import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** The numbers of a tensor, row by row; a vector has a row for each number. */
interface Rows {
  /** Returns the type that {@link #read} gives: F32, F16 or BF16. */
  DType type();

  long count();

  int columns();

  /** Appends rows to a little-endian buffer. */
  void read(long first, int count, ByteBuffer target);

  /** Returns the tensors that they come from. */
  List<TensorEntry> entries();

  /** Returns some of these rows. */
  default Rows range(long from, long count) {
    return new ChangedRows(this, count) {
      @Override
      public void read(long first, int count, ByteBuffer target) {
        rows.read(from + first, count, target);
      }
    };
  }

  /**
   * Returns the rows in the order in which llama.cpp turns them: those that RoPE takes as a pair, k
   * and k + half a head, side by side.
   *
   * @param head rows of a head
   */
  default Rows turned(int head) {
    return new ChangedRows(this, count()) {
      @Override
      public void read(long first, int count, ByteBuffer target) {
        int rowBytes = columns() * type().size();
        ByteBuffer all = ByteBuffer.allocate(head * rowBytes).order(ByteOrder.LITTLE_ENDIAN);
        for (long row = first; row < first + count; row++) {
          int within = (int) (row % head);
          if (within == 0 || row == first) {
            rows.read(row - within, head, all.clear()); // of one head at once
          }
          int from = within / 2 + within % 2 * (head / 2);
          target.put(all.slice(from * rowBytes, rowBytes));
        }
      }
    };
  }

  /** Returns rows of length 1, as a NormHead has them, in f32. */
  default Rows normalized() {
    return new NormalizedRows(this);
  }

  /** Rows that are other rows, rearranged. */
  abstract class ChangedRows implements Rows {
    final Rows rows;
    private final long count;

    ChangedRows(Rows rows, long count) {
      this.rows = rows;
      this.count = count;
    }

    @Override
    public DType type() {
      return rows.type();
    }

    @Override
    public long count() {
      return count;
    }

    @Override
    public int columns() {
      return rows.columns();
    }

    @Override
    public List<TensorEntry> entries() {
      return rows.entries();
    }
  }
}
