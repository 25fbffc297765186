package dev.baichuan4j.internal.arch;

/** How positions enter attention. */
public sealed interface Positions {

  /**
   * A bias that falls with the distance (Press, Smith, Lewis 2021, arXiv:2108.12409): the score of
   * head h and keys at a distance d falls by slope h times d.
   *
   * @param scaledFrom positions from which on the slopes of longer contexts are flatter; 0 for the
   *     same slopes in every context
   */
  record Alibi(int scaledFrom) implements Positions {
    /** With the same slopes in every context. */
    public Alibi() {
      this(0);
    }

    /**
     * Returns the slopes [H]. For a power of two heads, slope h is 2^(-8(h+1)/heads). For other
     * counts the largest power of two below comes first, then every other slope of twice that
     * count.
     *
     * @param heads number of heads, 1 or more
     */
    public static float[] slopes(int heads) {
      return new Alibi().slopes(heads, 1);
    }

    /**
     * Returns the slopes [H] in a context. Where it is a times as long as the model was made for,
     * slope h of the first n heads, n the largest power of two, is divided by a^(h/(n-1)): the
     * steepest stays, the flattest sees a times as far (dynamic NTK for ALiBi, as the Baichuan
     * community has it). The heads behind them stay, as there.
     *
     * @param heads number of heads, 1 or more
     * @param contextLength most positions of a text
     */
    public float[] slopes(int heads, int contextLength) {
      int power = Integer.highestOneBit(heads);
      double longer = scaledFrom == 0 ? 1 : Math.max(1, (double) contextLength / scaledFrom);
      float[] slopes = new float[heads];
      for (int h = 0; h < heads; h++) {
        if (h < power) {
          double flatter = power == 1 ? 1 : Math.pow(longer, (double) h / (power - 1));
          slopes[h] = (float) (Math.pow(2, -8.0 * (h + 1) / power) / flatter);
        } else {
          slopes[h] = (float) Math.pow(2, -4.0 * (2 * (h - power) + 1) / power);
        }
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
