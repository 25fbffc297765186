package dev.baichuan4j.internal.sampling;

/**
 * Draws from what the cuts of {@link RankedDraw} leave of all tokens. It needs the scores of all
 * that may come next, because probabilities refer to their sum.
 */
final class RankedChoice implements Choice {
  private final double p;
  private final Temperature temperature;
  private final RankedDraw draw;
  private final Candidates candidates;

  /**
   * @param p top-p: 1 for no such cut
   */
  RankedChoice(double p, Temperature temperature, RankedDraw draw, int vocabulary) {
    this.p = p;
    this.temperature = temperature;
    this.draw = draw;
    this.candidates = new Candidates(vocabulary);
  }

  @Override
  public boolean bestMaySuffice(int count) {
    return false;
  }

  @Override
  public int choose(Scores scores) {
    if (!scores.isWhole()) {
      return OUTSIDE;
    }
    double sum = temperature.weighAll(scores);
    // All tokens below this share of the mean lie in the tail that top-p cuts: together they have
    // less than 1 - p.
    double tail = (1 - p) * sum / scores.size();
    candidates.start(scores.values(), scores.size(), tail);
    return draw.from(candidates, scores.values(), sum);
  }
}
