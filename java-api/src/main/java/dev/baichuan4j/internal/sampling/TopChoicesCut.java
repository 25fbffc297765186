package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.Xtc;

/**
 * Leaves out the likeliest candidates of some tokens, see {@link Xtc}. It takes one random number
 * for each token. Of equally likely ones the last by place counts as the least likely.
 */
final class TopChoicesCut {
  private final double probability;
  private final double threshold;
  private final SplitMix64 random;

  TopChoicesCut(Xtc xtc, SplitMix64 random) {
    this.probability = xtc.probability();
    this.threshold = xtc.threshold();
    this.random = random;
  }

  /**
   * @param candidates by weight
   * @param weights by place
   */
  void cut(Candidates candidates, double[] weights) {
    if (random.nextDouble() >= probability) {
      return;
    }
    double least = threshold * candidates.total();
    int last = -1;
    for (int i = 0; i < candidates.size(); i++) {
      int place = candidates.place(i);
      boolean isTop = weights[place] >= least;
      if (isTop && (last < 0 || candidates.isBefore(last, place))) {
        last = place;
      }
    }
    if (last >= 0) {
      candidates.dropBefore(last);
    }
  }
}
