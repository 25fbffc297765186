package dev.baichuan4j.internal.sampling;

/** Takes the greatest score, of equal ones that of the lowest token id. */
final class GreedyChoice implements Choice {
  @Override
  public boolean bestMaySuffice(int count) {
    return true;
  }

  @Override
  public boolean takesLikeliest() {
    return true;
  }

  @Override
  public int choose(Scores scores) {
    int likeliest = scores.likeliest();
    return scores.isAboveRest(scores.get(likeliest)) ? likeliest : OUTSIDE;
  }
}
