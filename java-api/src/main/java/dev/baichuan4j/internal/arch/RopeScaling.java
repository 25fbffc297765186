package dev.baichuan4j.internal.arch;

import java.util.List;

/**
 * How the frequencies of RoPE are changed so that texts may be longer than those of the training:
 * {@code rope_scaling} of a config. The formulas are those of transformers' modeling_rope_utils.
 */
public sealed interface RopeScaling {

  /** Returns frequencies [D/2] of a base and head size D, for texts of at most contextLength. */
  double[] frequencies(double base, int headSize, int contextLength);

  /** Returns what cosines and sines are multiplied by. */
  default float attentionFactor() {
    return 1;
  }

  private static double[] plain(double base, int headSize) {
    double[] frequencies = new double[headSize / 2];
    for (int k = 0; k < frequencies.length; k++) {
      // StrictMath: the same bits on every JVM.
      frequencies[k] = StrictMath.pow(base, -2.0 * k / headSize);
    }
    return frequencies;
  }

  /** None. */
  record None() implements RopeScaling {
    @Override
    public double[] frequencies(double base, int headSize, int contextLength) {
      return plain(base, headSize);
    }
  }

  /**
   * Positions are divided by a factor (Chen et al. 2023, arXiv:2306.15595).
   *
   * @param factor 1 or more
   */
  record Linear(double factor) implements RopeScaling {
    @Override
    public double[] frequencies(double base, int headSize, int contextLength) {
      double[] frequencies = plain(base, headSize);
      for (int k = 0; k < frequencies.length; k++) {
        frequencies[k] /= factor;
      }
      return frequencies;
    }
  }

  /**
   * A base that grows with the length of texts (bloc97 2023, "dynamically scaled RoPE"). The
   * published code takes the length that a text has at each step, so that keys of one text are
   * turned by different bases; here it is the context's length, for all texts. Contexts that are no
   * longer than the model was made for are not scaled, as published.
   *
   * @param factor 1 or more
   * @param maxPositions positions that the model was made for
   */
  record DynamicNtk(double factor, int maxPositions) implements RopeScaling {
    @Override
    public double[] frequencies(double base, int headSize, int contextLength) {
      double length = Math.max(contextLength, maxPositions);
      double growth = factor * length / maxPositions - (factor - 1);
      double exponent = (double) headSize / (headSize - 2);
      return plain(base * StrictMath.pow(growth, exponent), headSize);
    }
  }

  /**
   * Slow frequencies are divided by the factor, fast ones kept, those between mixed (Peng et al.
   * 2023, arXiv:2309.00071).
   *
   * @param factor 1 or more
   * @param originalPositions positions of the training
   * @param betaFast turns over those positions from which on a frequency is kept
   * @param betaSlow turns up to which it is divided
   * @param truncate the border dimensions are rounded outwards to whole ones
   * @param attentionFactor see {@link RopeScaling#attentionFactor}
   */
  record Yarn(
      double factor,
      int originalPositions,
      double betaFast,
      double betaSlow,
      boolean truncate,
      float attentionFactor)
      implements RopeScaling {

    /** Returns the factor of the attention where the config has none. */
    public static float usualAttentionFactor(double factor, double scale) {
      return factor <= 1 ? 1 : (float) (0.1 * scale * StrictMath.log(factor) + 1);
    }

    @Override
    public double[] frequencies(double base, int headSize, int contextLength) {
      double low = dimension(betaFast, base, headSize);
      double high = dimension(betaSlow, base, headSize);
      if (truncate) {
        low = Math.floor(low);
        high = Math.ceil(high);
      }
      low = Math.max(low, 0);
      high = Math.min(high, headSize - 1.0);
      if (low == high) {
        high += 0.001; // no division by 0
      }
      double[] frequencies = plain(base, headSize);
      for (int k = 0; k < frequencies.length; k++) {
        double divided = Math.min(Math.max((k - low) / (high - low), 0), 1);
        frequencies[k] = frequencies[k] / factor * divided + frequencies[k] * (1 - divided);
      }
      return frequencies;
    }

    /**
     * The dimension k whose frequency makes that number of turns over the positions of the
     * training.
     */
    private double dimension(double turns, double base, int headSize) {
      return headSize
          * StrictMath.log(originalPositions / (turns * 2 * Math.PI))
          / (2 * StrictMath.log(base));
    }
  }

  /**
   * Long waves are divided by the factor, short ones kept, those between mixed: Llama 3.1.
   *
   * @param factor 1 or more
   * @param lowFrequencyFactor waves longer than originalPositions by this are divided
   * @param highFrequencyFactor waves shorter than originalPositions by this are kept
   * @param originalPositions positions of the training
   */
  record Llama3(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalPositions)
      implements RopeScaling {
    @Override
    public double[] frequencies(double base, int headSize, int contextLength) {
      double[] frequencies = plain(base, headSize);
      for (int k = 0; k < frequencies.length; k++) {
        double wave = 2 * Math.PI / frequencies[k];
        double kept =
            (originalPositions / wave - lowFrequencyFactor)
                / (highFrequencyFactor - lowFrequencyFactor);
        kept = Math.min(Math.max(kept, 0), 1);
        frequencies[k] = (1 - kept) * frequencies[k] / factor + kept * frequencies[k];
      }
      return frequencies;
    }
  }

  /**
   * Each frequency is divided by a factor of its own, as a GGUF file has them in rope_freqs.weight.
   *
   * @param divisors [D/2], greater than 0
   */
  record Divided(List<Float> divisors) implements RopeScaling {
    public Divided {
      divisors = List.copyOf(divisors);
    }

    @Override
    public double[] frequencies(double base, int headSize, int contextLength) {
      double[] frequencies = plain(base, headSize);
      for (int k = 0; k < frequencies.length; k++) {
        frequencies[k] /= divisors.get(k);
      }
      return frequencies;
    }
  }
}
