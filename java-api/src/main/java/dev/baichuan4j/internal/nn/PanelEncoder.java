package dev.baichuan4j.internal.nn;

import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.DType;
import java.nio.ByteBuffer;

/**
 * Quantizes blocks of rows into panels as loading does, with the same bits. The code that made it
 * closes it; for one thread.
 */
public final class PanelEncoder implements AutoCloseable {
  private final Ops ops;

  /**
   * @param threads that compute; 0 for as many as there are physical cores
   */
  public PanelEncoder(int threads) {
    this.ops = Ops.cpu(threads, false);
  }

  /**
   * Appends rows in panels.
   *
   * @param quant INT8, INT4, INT3 or INT2
   * @param normalized whether rows are scaled to the length 1 first, as those of a NormHead
   * @param stored direct buffer of rows [N,K]; N is a multiple of 16 but for the last rows of a
   *     matrix, K one of 32
   * @param source F32, F16 or BF16
   * @param out direct buffer
   * @return the sums of squares of what was lost and of the numbers, which are not finite where a
   *     number is not or is too large to be squared
   */
  public double[] encode(
      Quant quant,
      boolean normalized,
      ByteBuffer stored,
      DType source,
      long rows,
      long columns,
      ByteBuffer out) {
    try (Tensor matrix = ops.tensor(ElementType.valueOf(source.name()), rows, columns);
        Tensor scale = normalized ? ops.tensor(ElementType.F32, rows) : null;
        Tensor panels = ops.tensor(ElementType.of(quant), rows, columns)) {
      matrix.write(0, stored);
      if (normalized) {
        ops.rowNorms(scale, matrix);
      }
      double[] lost = ops.quantize(panels, matrix, scale);
      int bytes = (int) panels.bytes();
      panels.read(0, out.slice(out.position(), bytes));
      out.position(out.position() + bytes);
      return lost;
    }
  }

  @Override
  public void close() {
    ops.close();
  }
}
