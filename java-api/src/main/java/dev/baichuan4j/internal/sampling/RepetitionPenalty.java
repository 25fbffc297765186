package dev.baichuan4j.internal.sampling;

import java.util.BitSet;

/**
 * Makes every token of the prompt and the answer less likely, however often it is there (Keskar et
 * al. 2019, arXiv:1909.05858): its score is divided by the penalty if it is positive, and
 * multiplied by it if it is negative. A penalty below 1 makes these tokens more likely.
 */
final class RepetitionPenalty implements ScoreProcessor {
  private final double penalty;
  private final BitSet seen; // [V], in the prompt or the answer

  /**
   * @param prompt ids in [0, V)
   */
  RepetitionPenalty(double penalty, int[] prompt, int vocabulary) {
    this.penalty = penalty;
    this.seen = new BitSet(vocabulary);
    for (int id : prompt) {
      seen.set(id);
    }
  }

  @Override
  public boolean bestMaySuffice() {
    return penalty >= 1;
  }

  @Override
  public void process(Scores scores) {
    for (int place = scores.nextPlace(seen, 0);
        place >= 0;
        place = scores.nextPlace(seen, place + 1)) {
      double score = scores.get(place);
      scores.set(place, score < 0 ? score * penalty : score / penalty);
    }
  }

  @Override
  public void accept(int id) {
    seen.set(id);
  }
}
