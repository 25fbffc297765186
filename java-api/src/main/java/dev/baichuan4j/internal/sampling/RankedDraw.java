package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.GenerationOptions;

/**
 * Cuts candidates by top-p, min-p, typical-p and XTC, in this order, and draws one of what is left
 * in the order of ranks.
 */
final class RankedDraw {
  private final double topP;
  private final double minP;
  private final TypicalCut typical; // null: not asked for
  private final TopChoicesCut topChoices; // null: not asked for
  private final SplitMix64 random;

  RankedDraw(GenerationOptions options, int vocabulary, SplitMix64 random) {
    this.topP = options.topP();
    this.minP = options.minP();
    this.typical = options.typicalP() < 1 ? new TypicalCut(options.typicalP(), vocabulary) : null;
    this.topChoices =
        options.xtc().probability() > 0 ? new TopChoicesCut(options.xtc(), random) : null;
    this.random = random;
  }

  /**
   * Returns the place of the candidate that is drawn.
   *
   * @param candidates by weight; the best weight is 1
   * @param weights by place
   * @param sum of the weights that top-p refers to
   */
  int from(Candidates candidates, double[] weights, double sum) {
    if (topP < 1) {
      candidates.keepAmount(topP * sum);
    }
    candidates.keepFrom(Math.max(minP, Double.MIN_VALUE));
    if (typical != null) {
      typical.cut(candidates, weights);
    }
    if (topChoices != null) {
      topChoices.cut(candidates, weights);
    }
    return candidates.exceeding(random.nextDouble() * candidates.total());
  }
}
