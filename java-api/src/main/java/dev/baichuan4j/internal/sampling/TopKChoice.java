package dev.baichuan4j.internal.sampling;

/**
 * Draws from the k best tokens that may come next and all that equal the k-th, after the cuts of
 * {@link RankedDraw}.
 */
final class TopKChoice implements Choice {
  private final int k;
  private final Temperature temperature;
  private final RankedDraw draw;
  private final Candidates candidates;

  /**
   * @param k at least 1 and less than V
   */
  TopKChoice(int k, Temperature temperature, RankedDraw draw, int vocabulary) {
    this.k = k;
    this.temperature = temperature;
    this.draw = draw;
    this.candidates = new Candidates(vocabulary);
  }

  @Override
  public boolean bestMaySuffice(int count) {
    return k < count; // with k of the best alone, another score might equal the k-th
  }

  @Override
  public int choose(Scores scores) {
    double best = scores.get(scores.likeliest());
    double last = keepBest(scores);
    if (!scores.isAboveRest(last)) {
      return OUTSIDE;
    }
    double sum = temperature.weigh(candidates, scores.values(), best);
    return draw.from(candidates, scores.values(), sum);
  }

  /** Keeps the k best tokens and all that equal the k-th, and returns the score of the k-th. */
  private double keepBest(Scores scores) {
    int k = Math.min(this.k, scores.size()); // a mask may allow fewer
    double floor = Double.NEGATIVE_INFINITY;
    int part = scores.size() / 8;
    if (k <= part) { // the k-th best of a part is not better than the k-th best of all
      candidates.start(scores.values(), part, floor);
      floor = candidates.best(k);
    }
    candidates.start(scores.values(), scores.size(), floor);
    double last = candidates.best(k);
    candidates.start(scores.values(), scores.size(), last);
    return last;
  }
}
