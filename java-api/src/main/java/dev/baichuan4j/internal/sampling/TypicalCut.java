package dev.baichuan4j.internal.sampling;

/**
 * Keeps the most typical candidates that have the probability p together, as few as possible, and
 * all that are as typical as the last of them: those whose surprise -log p is nearest to its mean,
 * the entropy (Meister et al. 2022, arXiv:2202.00666).
 */
final class TypicalCut {
  private final double p;
  private final double[] nearness; // [V], by place: 0 is the most typical, others are below

  /**
   * @param p less than 1
   */
  TypicalCut(double p, int vocabulary) {
    this.p = p;
    this.nearness = new double[vocabulary];
  }

  /**
   * @param candidates by weight, all above 0
   * @param weights by place
   */
  void cut(Candidates candidates, double[] weights) {
    double total = candidates.total();
    double entropy = 0;
    for (int i = 0; i < candidates.size(); i++) {
      int place = candidates.place(i);
      double share = weights[place] / total;
      nearness[place] = StrictMath.log(share);
      entropy -= share * nearness[place];
    }
    for (int i = 0; i < candidates.size(); i++) {
      int place = candidates.place(i);
      nearness[place] = -Math.abs(nearness[place] + entropy);
    }
    candidates.rankBy(nearness);
    candidates.keepAmountAndEquals(p * total);
    candidates.rankBy(weights);
  }
}
