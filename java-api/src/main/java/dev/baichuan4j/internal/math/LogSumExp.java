package dev.baichuan4j.internal.math;

/**
 * The logarithm of a sum of exponentials, which turns logits into log-probabilities: log p(i) =
 * logit(i) - log sum over j of exp(logit(j)).
 */
public final class LogSumExp {
  private LogSumExp() {}

  /**
   * Returns log(sum of exp(v)) in double. The greatest value is taken out of the sum, so that no
   * exponential overflows, and exponentials are those of {@link StrictMath}, so that the result has
   * the same bits on every platform.
   *
   * @param values at least one, with at least one above negative infinity
   */
  public static double of(float[] values) {
    double max = Double.NEGATIVE_INFINITY;
    for (float value : values) {
      max = Math.max(max, value);
    }
    double sum = 0;
    for (float value : values) {
      sum += StrictMath.exp(value - max);
    }
    return max + StrictMath.log(sum);
  }
}
