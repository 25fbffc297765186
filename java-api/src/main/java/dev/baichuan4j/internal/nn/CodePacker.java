package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.checkpoint.StoredCodes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Packs rows of codes as they are stored, a block at a time. For one thread. */
final class CodePacker {
  /** Codes of a block, of a byte each. */
  private static final int BLOCK = 8 << 20;

  private final Ops ops;
  private ByteBuffer codes = ByteBuffer.allocateDirect(0);
  private ByteBuffer scales = codes;
  private ByteBuffer zeros = codes;

  CodePacker(Ops ops) {
    this.ops = ops;
  }

  /** Rows that {@link #pack} takes at most. */
  static long block(long rows, long columns) {
    return Math.min(Math.max(BLOCK / columns / Layout.PANEL, 1) * Layout.PANEL, rows);
  }

  /**
   * Packs rows.
   *
   * @param first the first row of the codes
   * @param target of the codes' format
   * @param row where they begin in it
   * @throws dev.baichuan4j.InvalidRequestException if a code has too many bits, or a scale is not
   *     finite
   */
  void pack(StoredCodes stored, long first, int count, Tensor target, long row) {
    long columns = target.size(1);
    long groups = columns / stored.format().group();
    codes = grown(codes, count * columns);
    scales = grown(scales, count * groups * 2);
    zeros = grown(zeros, count * groups * 2);
    stored.read(first, count, codes.clear(), scales.clear(), zeros.clear());
    try (Tensor q = ops.tensor(ElementType.I8, count, columns);
        Tensor s = ops.tensor(ElementType.F16, count, groups);
        Tensor z = ops.tensor(ElementType.F16, count, groups)) {
      q.write(0, codes.flip());
      s.write(0, scales.flip());
      z.write(0, zeros.flip());
      ops.packCodes(target, row, q, s, stored.format().hasZeros() ? z : null);
    }
  }

  private static ByteBuffer grown(ByteBuffer kept, long bytes) {
    return kept.capacity() >= bytes
        ? kept
        : ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }
}
