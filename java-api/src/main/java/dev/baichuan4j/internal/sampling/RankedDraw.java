package dev.baichuan4j.internal.sampling;

/** Cuts candidates by top-p and min-p, and draws one of what is left in the order of ranks. */
final class RankedDraw {
  private final double topP;
  private final double minP;
  private final SplitMix64 random;

  RankedDraw(double topP, double minP, SplitMix64 random) {
    this.topP = topP;
    this.minP = minP;
    this.random = random;
  }

  /**
   * Returns the place of the candidate that is drawn.
   *
   * @param candidates by weight; the best weight is 1
   * @param sum of the weights that top-p refers to
   */
  int from(Candidates candidates, double sum) {
    if (topP < 1) {
      candidates.keepAmount(topP * sum);
    }
    candidates.keepFrom(Math.max(minP, Double.MIN_VALUE));
    return candidates.exceeding(random.nextDouble() * candidates.total());
  }
}
