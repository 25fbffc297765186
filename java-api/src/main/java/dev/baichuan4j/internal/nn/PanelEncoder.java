package dev.baichuan4j.internal.nn;

import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.StoredCodes;
import java.nio.ByteBuffer;

/**
 * Quantizes blocks of rows into panels as loading does, with the same bits. The code that made it
 * closes it; for one thread.
 */
public final class PanelEncoder implements AutoCloseable {
  private final Ops ops;
  private final CodePacker packer;

  /**
   * @param threads that compute; 0 for as many as there are physical cores
   */
  public PanelEncoder(int threads) {
    this.ops = Ops.cpu(threads, false);
    this.packer = new CodePacker(ops);
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
      append(panels, out);
      return lost;
    }
  }

  /**
   * Appends rows of codes in panels as they are stored.
   *
   * @param first the first row
   * @param count rows, a multiple of 16 but for the last rows of a matrix
   * @param columns K, a multiple of the codes' group
   * @param out direct buffer
   * @throws dev.baichuan4j.InvalidRequestException if a code has too many bits, or a scale is not
   *     finite
   */
  public void encode(StoredCodes codes, long first, int count, long columns, ByteBuffer out) {
    try (Tensor panels = ops.tensor(ElementType.codes(codes.format()), count, columns)) {
      packer.pack(codes, first, count, panels, 0);
      append(panels, out);
    }
  }

  /**
   * Appends the factors in f32 by which a NormHead scales rows.
   *
   * @param stored direct buffer of rows [N,K]
   * @param source F32, F16 or BF16
   * @param out direct buffer
   */
  public void rowNorms(ByteBuffer stored, DType source, long rows, long columns, ByteBuffer out) {
    try (Tensor matrix = ops.tensor(ElementType.valueOf(source.name()), rows, columns);
        Tensor scale = ops.tensor(ElementType.F32, rows)) {
      matrix.write(0, stored);
      ops.rowNorms(scale, matrix);
      append(scale, out);
    }
  }

  private static void append(Tensor tensor, ByteBuffer out) {
    int bytes = (int) tensor.bytes();
    tensor.read(0, out.slice(out.position(), bytes));
    out.position(out.position() + bytes);
  }

  @Override
  public void close() {
    ops.close();
  }
}
