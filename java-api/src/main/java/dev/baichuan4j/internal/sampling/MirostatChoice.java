package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.Mirostat;

/**
 * Draws from the tokens whose surprise is not above a bound, and moves the bound so that the
 * surprise stays at a target, see {@link Mirostat}. It needs the scores of all tokens that may come
 * next, because a surprise refers to their sum.
 */
final class MirostatChoice implements Choice {
  private static final double LN_2 = StrictMath.log(2);

  private final double target; // bits
  private final double rate;
  private final Temperature temperature;
  private final SplitMix64 random;
  private final Candidates candidates;
  private double bound; // bits

  MirostatChoice(Mirostat mirostat, Temperature temperature, SplitMix64 random, int vocabulary) {
    this.target = mirostat.tau();
    this.rate = mirostat.eta();
    this.temperature = temperature;
    this.random = random;
    this.candidates = new Candidates(vocabulary);
    this.bound = 2 * target;
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
    double floor = sum * StrictMath.pow(2, -bound);
    double best = 1; // the weight of the likeliest, which stays in any case
    candidates.start(
        scores.values(), scores.size(), Math.max(Math.min(floor, best), Double.MIN_VALUE));
    double total = candidates.total();
    int place = candidates.exceeding(random.nextDouble() * total);
    double surprise = -StrictMath.log(scores.get(place) / total) / LN_2;
    bound -= rate * (surprise - target);
    return place;
  }
}
