package dev.baichuan4j.internal.nn;

import dev.baichuan4j.OperationInterruptedException;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The second moments of what a matrix [N,K] is multiplied by.
 *
 * @param sums [K,K] F32: of x, which comes through quantized matrices
 * @param cross [K,K] F32: of y - x with x, where y comes through the matrices as they were; null
 *     where x comes through those too
 * @param factor [K,K] F32 of the sums
 */
record Moments(Tensor sums, Tensor cross, Tensor factor) implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Moments.class);

  /**
   * How much of y - x weights make up for. All of it would fit the text that was seen and be worse
   * on others: measured in docs/calibration.md.
   */
  static final float SHARE = 0.7f;

  /** Of the mean second moment: as published for GPTQ. */
  private static final float DAMPING = 0.01f;

  /** Matrices [K,K] at a time; one less without cross moments. */
  static final int MATRICES = 3;

  /** Hands out x [T,K] and y [T,K], or null for y, of a chunk of texts. */
  interface Inputs {
    void of(int chunk, BiConsumer<Tensor, Tensor> take);
  }

  /**
   * The moments of all chunks, damped, and their factor.
   *
   * @param what is multiplied, for the log
   */
  static Moments of(Ops ops, String what, int chunks, Inputs inputs) {
    Moments[] moments = new Moments[1];
    try {
      for (int i = 0; i < chunks; i++) {
        inputs.of(
            i,
            (x, y) -> {
              if (moments[0] == null) {
                moments[0] = empty(ops, x.size(1), y != null);
              }
              ops.secondMoments(moments[0], x, y);
            });
      }
      OperationInterruptedException.check("calibrating");
      double damping = ops.momentsFactor(moments[0], DAMPING);
      if (damping > DAMPING) {
        LOG.info("{}: damped by {} of the mean second moment", what, damping);
      }
      return moments[0];
    } catch (RuntimeException e) {
      if (moments[0] != null) {
        moments[0].close();
      }
      throw e;
    }
  }

  private static Moments empty(Ops ops, long columns, boolean crossed) {
    return new Moments(
        ops.tensor(ElementType.F32, columns, columns),
        crossed ? ops.tensor(ElementType.F32, columns, columns) : null,
        ops.tensor(ElementType.F32, columns, columns));
  }

  @Override
  public void close() {
    sums.close();
    if (cross != null) {
      cross.close();
    }
    factor.close();
  }
}
