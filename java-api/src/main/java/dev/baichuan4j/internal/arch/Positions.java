package dev.baichuan4j.internal.arch;

/** How positions enter attention. */
public sealed interface Positions {

  /**
   * A bias that falls with the distance (Press, Smith, Lewis 2021, arXiv:2108.12409): the score of
   * head h and keys at a distance d falls by slope h times d.
   */
  record Alibi() implements Positions {
    /**
     * Returns the slopes [H]. For a power of two heads, slope h is 2^(-8(h+1)/heads). For other
     * counts the largest power of two below comes first, then every other slope of twice that
     * count.
     *
     * @param heads number of heads, 1 or more
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

  /**
   * Rotated queries and keys (Su et al. 2021, arXiv:2104.09864): numbers k and k + D/2 of a head
   * turn by position * frequency k.
   *
   * @param base frequency k is base^(-2k/D) before scaling, {@code rope_theta}
   * @param scaling what makes longer texts of it
   */
  record Rope(double base, RopeScaling scaling) implements Positions {
    /** Without scaling. */
    public static Rope of(double base) {
      return new Rope(base, new RopeScaling.None());
    }

    /**
     * Returns the frequencies [D/2], in radians from a position to the next. They are the same for
     * every text, however long: what a text gives does not depend on how it was cut.
     *
     * @param headSize D
     * @param contextLength most positions of a text
     */
    public double[] frequencies(int headSize, int contextLength) {
      return scaling.frequencies(base, headSize, contextLength);
    }
  }
}
