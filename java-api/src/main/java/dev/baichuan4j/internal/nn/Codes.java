package dev.baichuan4j.internal.nn;

/**
 * Weights [N,K] as codes: in a group of G columns, a code q stands for about s (q - z).
 *
 * @param codes [N,K] I8
 * @param scales [N,K/G] F32
 * @param zeros [N,K/G] F32
 */
record Codes(Tensor codes, Tensor scales, Tensor zeros) implements AutoCloseable {
  static Codes of(Ops ops, long rows, long columns, int group) {
    return new Codes(
        ops.tensor(ElementType.I8, rows, columns),
        ops.tensor(ElementType.F32, rows, columns / group),
        ops.tensor(ElementType.F32, rows, columns / group));
  }

  @Override
  public void close() {
    codes.close();
    scales.close();
    zeros.close();
  }
}
