package dev.baichuan4j.internal.evaluate;

/**
 * Where a true value lies with 95 % confidence.
 *
 * @param low its lower end
 * @param high its upper end
 */
public record Interval(double low, double high) {
  /** The 97.5th percentile of the standard normal distribution. */
  static final double Z = 1.959963984540054;

  /**
   * Returns the interval of a share by Wilson's score (1927), which stays within 0 and 1 and holds
   * for few questions too.
   *
   * @param right how many of them have the property
   * @param all at least one
   */
  static Interval wilson(long right, long all) {
    double share = (double) right / all;
    double spread = Z * Math.sqrt(share * (1 - share) / all + Z * Z / (4.0 * all * all));
    double scale = 1 + Z * Z / all;
    double middle = share + Z * Z / (2.0 * all);
    return new Interval(
        right == 0 ? 0 : (middle - spread) / scale, right == all ? 1 : (middle + spread) / scale);
  }
}
