package dev.baichuan4j.internal.sampling;

/**
 * Turns scores into weights. The weight of a token is its probability as a share of the best
 * token's, so that of the best token is 1. Exponentials are those of {@link StrictMath}: they have
 * the same bits on every platform.
 *
 * @param value above 0
 */
record Temperature(double value) {
  /** Returns the weight of a score where the greatest score is {@code best}. */
  double weight(double score, double best) {
    return StrictMath.exp((score - best) / value);
  }

  /** Turns all scores into weights, and returns their sum. */
  double weighAll(Scores scores) {
    double best = scores.get(scores.likeliest());
    double[] values = scores.values();
    double sum = 0;
    for (int place = 0; place < scores.size(); place++) {
      values[place] = weight(values[place], best);
      sum += values[place];
    }
    return sum;
  }

  /** Turns the scores of the candidates alone into weights, and returns their sum. */
  double weigh(Candidates candidates, double[] values, double best) {
    for (int i = 0; i < candidates.size(); i++) {
      int place = candidates.place(i);
      values[place] = weight(values[place], best);
    }
    return candidates.total();
  }
}
