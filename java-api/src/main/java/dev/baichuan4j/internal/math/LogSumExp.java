package dev.baichuan4j.internal.math;

/**
 * The logarithm of a sum of exponentials, which turns logits into log-probabilities: log p(i) =
 * logit(i) - log sum over j of exp(logit(j)).
 */
public final class LogSumExp {
  private static final double LOG2_E = 1.4426950408889634;
  // ln 2 in two parts: a multiple of the first, up to 2^20, has no rounding.
  private static final double LN2_HIGH = 0x1.62e42feep-1;
  private static final double LN2_LOW = 0x1.a39ef35793c76p-33;
  // A number with this added to it has its nearest integer in the lowest bits.
  private static final double TO_INTEGER = 0x1.8p52;
  private static final double FAR = 700; // e^-700 of the greatest value adds nothing to a double

  private LogSumExp() {}

  /**
   * Returns log(sum of exp(v)) in double, with an error below 1e-14 of the sum. The greatest value
   * is taken out of the sum, so that no exponential overflows. The result has the same bits on
   * every platform.
   *
   * @param values at least one, with at least one above negative infinity
   */
  public static double of(float[] values) {
    float max = Float.NEGATIVE_INFINITY;
    float min = Float.POSITIVE_INFINITY;
    for (float value : values) {
      max = value > max ? value : max;
      min = value < min ? value : min;
    }
    double sum = (double) max - min < FAR ? sumOfNear(values, max) : sumOfAny(values, max);
    return max + StrictMath.log(sum);
  }

  private static double sumOfNear(float[] values, double max) {
    double sum = 0;
    for (float value : values) {
      sum += exp(value - max);
    }
    return sum;
  }

  private static double sumOfAny(float[] values, double max) {
    double sum = 0;
    for (float value : values) {
      if (!(max - value >= FAR)) { // NaN gives NaN
        sum += exp(value - max);
      }
    }
    return sum;
  }

  /**
   * Returns e^x for x from -700 to 700, within 1e-14 of the value. It takes less time than {@link
   * Math#exp}, whose last bits differ between processors, and a quarter of that of {@link
   * StrictMath#exp}: nothing but sums and products, which every JVM rounds alike.
   */
  static double exp(double x) {
    double shifted = x * LOG2_E + TO_INTEGER;
    double k = shifted - TO_INTEGER;
    double r = x - k * LN2_HIGH - k * LN2_LOW; // |r| <= ln 2 / 2
    // The Taylor series up to r^11, in pairs that do not wait for each other.
    double r2 = r * r;
    double r4 = r2 * r2;
    double low = (1 + r) + r2 * (1.0 / 2 + r * (1.0 / 6));
    double middle = (1.0 / 24 + r * (1.0 / 120)) + r2 * (1.0 / 720 + r * (1.0 / 5040));
    double high = (1.0 / 40320 + r * (1.0 / 362880)) + r2 * (1.0 / 3628800 + r * (1.0 / 39916800));
    double power = low + r4 * (middle + r4 * high);
    return power * Double.longBitsToDouble((Double.doubleToRawLongBits(shifted) + 1023) << 52);
  }
}
