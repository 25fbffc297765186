package dev.baichuan4j.internal.nn;

import dev.baichuan4j.OperationInterruptedException;

/**
 * Rounds a matrix so that the products with the activations, of which the second moments are known,
 * change least. docs/calibration.md has the formulas and where they are from.
 */
final class CalibratedRounding {
  /** How often grids and codes are improved after the first rounding. */
  private static final int SWEEPS = 6;

  /** Rows that are rounded at a time; each thread works on 64. */
  static final int BLOCK_ROWS = 2048;

  private CalibratedRounding() {}

  /**
   * Returns a matrix as codes.
   *
   * @param type codes of 2 to 4 bits with grids
   * @param weights [N,K]
   * @param rowScale [N] factors of the rows, or null
   * @param moments of what the matrix is multiplied by, with their factor
   * @param error gains the sum of squares that is lost and that of all weights
   */
  static Tensor round(
      Ops ops, ElementType type, Tensor weights, Tensor rowScale, Moments moments, double[] error) {
    Tensor out = ops.tensor(type, weights.shape());
    try {
      for (long row = 0; row < weights.size(0); row += BLOCK_ROWS) {
        OperationInterruptedException.check("calibrating");
        long rows = Math.min(BLOCK_ROWS, weights.size(0) - row);
        try (Tensor part = weights.rows(row, rows);
            Tensor partScale = rowScale == null ? null : rowScale.rows(row, rows);
            Codes codes = Codes.of(ops, rows, weights.size(1), type.group())) {
          int bits = type.codeBits();
          double[] lost = ops.roundWeights(codes, part, partScale, moments, bits, SWEEPS);
          ops.packCodes(out, row, codes.codes(), codes.scales(), codes.zeros());
          error[0] += lost[0];
          error[1] += lost[1];
        }
      }
      return out;
    } catch (RuntimeException e) {
      out.close();
      throw e;
    }
  }
}
