package dev.baichuan4j.internal.sampling;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;

/** Adds a number that the user chose to the scores of some tokens. */
final class LogitBias implements ScoreProcessor {
  private final int[] ids; // ascending
  private final float[] biases; // one for each of the ids
  private final BitSet biased; // the same ids
  private final boolean raises;

  /**
   * @param biases by token id in [0, V)
   */
  LogitBias(Map<Integer, Float> biases) {
    this.ids = biases.keySet().stream().mapToInt(id -> id).sorted().toArray();
    this.biases = new float[ids.length];
    this.biased = new BitSet();
    boolean positive = false;
    for (int i = 0; i < ids.length; i++) {
      this.biases[i] = biases.get(ids[i]);
      biased.set(ids[i]);
      positive |= this.biases[i] > 0;
    }
    this.raises = positive;
  }

  @Override
  public boolean bestMaySuffice() {
    return !raises;
  }

  @Override
  public void process(Scores scores) {
    for (int place = scores.nextPlace(biased, 0);
        place >= 0;
        place = scores.nextPlace(biased, place + 1)) {
      float bias = biases[Arrays.binarySearch(ids, scores.id(place))];
      scores.set(place, scores.get(place) + bias);
    }
  }

  @Override
  public void accept(int id) {} // a bias is the same for every token of the text
}
