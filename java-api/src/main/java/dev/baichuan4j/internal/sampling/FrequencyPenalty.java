package dev.baichuan4j.internal.sampling;

import java.util.BitSet;

/**
 * Lowers the scores of the tokens of the answer: by the frequency penalty for every time that the
 * token is there, and by the presence penalty once. The prompt does not count. Negative penalties
 * raise the scores.
 */
final class FrequencyPenalty implements ScoreProcessor {
  private final double frequency;
  private final double presence;
  private final BitSet answered; // [V], in the answer
  private final int[] counts; // [V], occurrences in the answer

  FrequencyPenalty(double frequency, double presence, int vocabulary) {
    this.frequency = frequency;
    this.presence = presence;
    this.answered = new BitSet(vocabulary);
    this.counts = new int[vocabulary];
  }

  @Override
  public boolean bestMaySuffice() {
    return frequency >= 0 && presence >= 0;
  }

  @Override
  public void process(Scores scores) {
    for (int place = scores.nextPlace(answered, 0);
        place >= 0;
        place = scores.nextPlace(answered, place + 1)) {
      double penalty = counts[scores.id(place)] * frequency + presence;
      scores.set(place, scores.get(place) - penalty);
    }
  }

  @Override
  public void accept(int id) {
    answered.set(id);
    counts[id]++;
  }
}
