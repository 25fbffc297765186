package dev.baichuan4j.internal.sampling;

/** Draws from all tokens, or from those that min-p keeps, in the order of their ids. */
final class FullChoice implements Choice {
  private final double minP;
  private final Temperature temperature;
  private final SplitMix64 random;

  FullChoice(double minP, Temperature temperature, SplitMix64 random) {
    this.minP = minP;
    this.temperature = temperature;
    this.random = random;
  }

  @Override
  public boolean bestMaySuffice(int count) {
    return minP > 0;
  }

  @Override
  public int choose(Scores scores) {
    if (!scores.isWhole() && keepsRest(scores)) {
      return OUTSIDE;
    }
    temperature.weighAll(scores);
    double total = dropBelowMinP(scores);
    return draw(scores, total);
  }

  /** Returns whether min-p may keep a score that is left out. */
  private boolean keepsRest(Scores scores) {
    double best = scores.get(scores.likeliest());
    return temperature.weight(scores.rest(), best) >= minP;
  }

  /** Drops the weights that min-p does not keep, and returns the sum of the others. */
  private double dropBelowMinP(Scores scores) {
    double[] weights = scores.values();
    double total = 0;
    for (int place = 0; place < scores.size(); place++) {
      if (weights[place] < minP) { // the best weight is 1
        weights[place] = 0;
      }
      total += weights[place];
    }
    return total;
  }

  /**
   * Returns the first place at which the weights so far exceed a random share of their total.
   * Rounding may leave none; then it is the last place with a weight.
   */
  private int draw(Scores scores, double total) {
    double[] weights = scores.values();
    double left = random.nextDouble() * total;
    int chosen = 0;
    for (int place = 0; place < scores.size() && left >= 0; place++) {
      if (weights[place] > 0) {
        chosen = place;
        left -= weights[place];
      }
    }
    return chosen;
  }
}
