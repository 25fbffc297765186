package dev.baichuan4j.internal.nn;

/** Slopes of attention with linear biases (Press, Smith, Lewis 2021, arXiv:2108.12409). */
public final class Alibi {
  private Alibi() {}

  /**
   * For a power of two heads, slope h is 2^(-8(h+1)/heads). For other counts the largest power of
   * two below comes first, then every other slope of twice that count.
   *
   * @param heads number of heads, 1 or more
   * @return [heads]
   */
  public static float[] slopes(int heads) {
    int power = Integer.highestOneBit(heads);
    float[] slopes = new float[heads];
    for (int h = 0; h < heads; h++) {
      double exponent = h < power ? 8.0 * (h + 1) / power : 4.0 * (2 * (h - power) + 1) / power;
      slopes[h] = (float) Math.pow(2, -exponent);
    }
    return slopes;
  }
}
