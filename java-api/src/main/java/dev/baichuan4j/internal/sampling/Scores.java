package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.InvalidLogitsException;
import dev.baichuan4j.InvalidRequestException;
import java.util.Arrays;
import java.util.BitSet;

/**
 * The scores from which one token is chosen: those of all tokens, or of the best ones. Each has a
 * place; places rise with the token id, so what is summed or drawn in the order of places comes out
 * the same, to the bit, from the best as from all. Scores begin as logits and are changed in place.
 */
public final class Scores {
  private final int vocabulary;
  private final double[] values; // [V], of which the first size are in use
  private int size;
  private long[] best = {}; // [size] if not whole: token id and bits of the logit, ascending
  private double rest; // if not whole: no score that is left out is above this

  /**
   * @param vocabulary V, the number of tokens
   */
  Scores(int vocabulary) {
    this.vocabulary = vocabulary;
    this.values = new double[vocabulary];
  }

  /**
   * Takes all logits of a row.
   *
   * @param logits [V]
   * @throws IllegalArgumentException if the logits are not V in number
   * @throws InvalidLogitsException if a logit is NaN or positive infinity, or all are negative
   *     infinity
   */
  void takeAll(float[] logits) {
    if (logits.length != vocabulary) {
      throw new IllegalArgumentException(
          "sampler: logits has shape [" + logits.length + "], expected [" + vocabulary + "]");
    }
    boolean possible = false;
    for (int id = 0; id < logits.length; id++) {
      float logit = logits[id];
      if (!(logit < Float.POSITIVE_INFINITY)) { // NaN too
        throw new InvalidLogitsException(
            "sampler: logit of token " + id + " has " + logit + ", expected a number");
      }
      possible |= logit > Float.NEGATIVE_INFINITY;
      values[id] = logit;
    }
    if (!possible) {
      throw new InvalidLogitsException(
          "sampler: every logit has -Infinity, expected a number for at least one token");
    }
    size = vocabulary;
  }

  /**
   * Takes the best logits of a row.
   *
   * @return false, and nothing is taken, if the row has a logit for which {@link #takeAll} rejects
   *     it
   */
  boolean takeBest(LogitsRow row) {
    float first = row.bestLogit(0); // a NaN or Infinity anywhere in the row comes first
    if (!(first < Float.POSITIVE_INFINITY) || first == Float.NEGATIVE_INFINITY) {
      return false;
    }
    size = row.bestCount();
    rest = row.bestLogit(size - 1);
    if (best.length != size) {
      best = new long[size];
    }
    for (int rank = 0; rank < size; rank++) {
      long bits = Float.floatToRawIntBits(row.bestLogit(rank)) & 0xffffffffL;
      best[rank] = (long) row.bestId(rank) << 32 | bits;
    }
    Arrays.sort(best);
    for (int place = 0; place < size; place++) {
      values[place] = Float.intBitsToFloat((int) best[place]);
    }
    return true;
  }

  /** Returns how many scores there are; their places are those below. */
  public int size() {
    return size;
  }

  /** Returns whether the scores of all tokens are there. */
  public boolean isWhole() {
    return size == vocabulary;
  }

  /** Returns the token whose score is at a place. */
  public int id(int place) {
    return isWhole() ? place : (int) (best[place] >> 32);
  }

  /** Returns the score at a place. */
  public double get(int place) {
    return values[place];
  }

  /** Changes the score at a place. */
  public void set(int place, double score) {
    values[place] = score;
  }

  /**
   * Finds the places of a set of tokens, one a call.
   *
   * @param ids tokens
   * @param from where to begin: 0, or one after the place that was found last
   * @return the first place from there on whose token is in the set; -1 if there is none
   */
  public int nextPlace(BitSet ids, int from) {
    if (isWhole()) {
      return ids.nextSetBit(from);
    }
    for (int place = from; place < size; place++) {
      if (ids.get(id(place))) {
        return place;
      }
    }
    return -1;
  }

  /** Returns the scores themselves, by place; those from {@link #size} on are stale. */
  double[] values() {
    return values;
  }

  /** Returns the place of the greatest score, the first of equal ones. */
  int likeliest() {
    int likeliest = 0;
    for (int place = 1; place < size; place++) {
      if (values[place] > values[likeliest]) {
        likeliest = place;
      }
    }
    return likeliest;
  }

  /**
   * Checks that a token is possible.
   *
   * @throws InvalidRequestException if processors have left none, of all tokens
   */
  void requireOne() {
    for (int place = 0; place < size; place++) {
      if (values[place] > Double.NEGATIVE_INFINITY) {
        return; // among the first ones, but for rare rows
      }
    }
    throw new InvalidRequestException(
        "bannedTokens",
        "bannedTokens, bannedWords and end markers that are not allowed leave none of "
            + vocabulary
            + " tokens, expected at least one that is possible");
  }

  /** Returns a bound that no score that is left out is above; only where some are left out. */
  double rest() {
    return rest;
  }

  /** Returns whether a score is above all that are left out. */
  boolean isAboveRest(double score) {
    return isWhole() || score > rest;
  }
}
