package dev.baichuan4j.internal.nn;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.internal.checkpoint.StoredCodes;
import dev.baichuan4j.internal.checkpoint.StoredRows;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Fills tensors from rows that do not lie in a file as ops take them, a block at a time. */
final class StoredTensor {
  /** More than the longest row, which has 2^20 numbers in f32. */
  private static final int BLOCK_BYTES = 8 << 20;

  private ByteBuffer buffer; // of a block, once it is needed

  /**
   * Reads all rows.
   *
   * @param target of the entry's shape and type, or of F32 for codes; closed if reading fails
   * @return the target
   */
  Tensor read(TensorEntry entry, Tensor target) {
    try {
      fill(entry, target);
      return target;
    } catch (RuntimeException | Error e) {
      target.close();
      throw e;
    }
  }

  /**
   * Packs all rows of codes as they are stored.
   *
   * @param target codes of the entry's format and shape; closed if reading fails
   * @return the target
   */
  Tensor readCodes(Ops ops, TensorEntry entry, Tensor target) {
    try {
      packCodes(ops, entry, target);
      return target;
    } catch (RuntimeException | Error e) {
      target.close();
      throw e;
    }
  }

  private static void packCodes(Ops ops, TensorEntry entry, Tensor target) {
    StoredCodes stored = entry.rows().flatMap(StoredRows::codes).orElseThrow();
    long rows = entry.shape()[0];
    long block = CodePacker.block(rows, entry.shape()[1]);
    CodePacker packer = new CodePacker(ops);
    for (long row = 0; row < rows; row += block) {
      OperationInterruptedException.check("loading weights");
      try {
        packer.pack(stored, row, (int) Math.min(block, rows - row), target, row);
      } catch (InvalidRequestException e) {
        throw new ModelFormatException(
            entry.file(), entry.name(), "codes of " + stored.format(), e.getMessage());
      }
    }
  }

  private static ByteBuffer buffer(long bytes) {
    return ByteBuffer.allocateDirect((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void fill(TensorEntry entry, Tensor target) {
    if (buffer == null) {
      buffer = buffer(BLOCK_BYTES);
    }
    StoredRows rows = entry.rows().orElseThrow();
    boolean wide = target.type() == ElementType.F32;
    long count = entry.shape()[0];
    long rowBytes = target.bytes() / count;
    long block = BLOCK_BYTES / rowBytes;
    for (long row = 0; row < count; row += block) {
      OperationInterruptedException.check("loading weights");
      rows.read(row, (int) Math.min(block, count - row), wide, buffer.clear());
      target.write(row * rowBytes, buffer.flip());
    }
  }
}
