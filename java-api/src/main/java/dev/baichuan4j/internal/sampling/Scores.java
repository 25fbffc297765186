package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.InvalidLogitsException;
import dev.baichuan4j.InvalidRequestException;
import java.util.Arrays;
import java.util.BitSet;

/**
 * The scores from which one token is chosen: those of all tokens that may come next, or of the best
 * of them. Each has a place; places rise with the token id, so what is summed or drawn in the order
 * of places comes out the same, to the bit, from the best as from all. Scores begin as logits and
 * are changed in place.
 */
public final class Scores {
  private final int vocabulary;
  private final double[] values; // [V], of which the first size are in use
  private int size;
  private boolean everyToken; // places are ids
  private int[] ids; // of the places, where they are not the same; ascending
  private long[] best = {}; // room in which the best are sorted: token id and bits of the logit
  private boolean whole;
  private double rest; // if not whole: no score that is left out is above this

  /**
   * @param vocabulary V, the number of tokens
   */
  Scores(int vocabulary) {
    this(vocabulary, false);
  }

  /**
   * @param vocabulary V, the number of tokens
   * @param masked whether the logits of a mask's tokens alone may be taken
   */
  Scores(int vocabulary, boolean masked) {
    this.vocabulary = vocabulary;
    this.values = new double[vocabulary];
    this.ids = new int[masked ? vocabulary : 0];
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
    requireVocabulary(logits);
    boolean possible = false;
    for (int id = 0; id < logits.length; id++) {
      float logit = requireNumber(logits, id);
      possible |= logit > Float.NEGATIVE_INFINITY;
      values[id] = logit;
    }
    require(possible);
    size = vocabulary;
    everyToken = true;
    whole = true;
  }

  /**
   * Takes the logits of the tokens that a mask allows. The others may be anything.
   *
   * @param logits [V]
   * @param allowed [ceil(V / 64)], a bit for each token
   * @throws IllegalArgumentException if the logits are not V in number
   * @throws InvalidLogitsException if one of these logits is NaN or positive infinity, or all are
   *     negative infinity
   */
  void takeAllowed(float[] logits, long[] allowed) {
    requireVocabulary(logits);
    boolean possible = false;
    int place = 0;
    for (int word = 0; word < allowed.length; word++) {
      for (long left = allowed[word]; left != 0; left &= left - 1) {
        int id = 64 * word + Long.numberOfTrailingZeros(left);
        float logit = requireNumber(logits, id);
        possible |= logit > Float.NEGATIVE_INFINITY;
        ids[place] = id;
        values[place++] = logit;
      }
    }
    require(possible);
    size = place;
    everyToken = false;
    whole = true;
  }

  private void requireVocabulary(float[] logits) {
    if (logits.length != vocabulary) {
      throw new IllegalArgumentException(
          "sampler: logits has shape [" + logits.length + "], expected [" + vocabulary + "]");
    }
  }

  private static float requireNumber(float[] logits, int id) {
    float logit = logits[id];
    if (!(logit < Float.POSITIVE_INFINITY)) { // NaN too
      throw new InvalidLogitsException(
          "sampler: logit of token " + id + " has " + logit + ", expected a number");
    }
    return logit;
  }

  private static void require(boolean possible) {
    if (!possible) {
      throw new InvalidLogitsException(
          "sampler: every logit has -Infinity, expected a number for at least one token");
    }
  }

  /**
   * Returns whether {@link #takeAll} or {@link #takeAllowed} would take a row whose best logits are
   * at hand.
   */
  static boolean areNumbers(LogitsRow row) {
    float first = row.bestLogit(0); // a NaN or Infinity anywhere in the row comes first
    return first < Float.POSITIVE_INFINITY && first > Float.NEGATIVE_INFINITY;
  }

  /** Takes the best logits of a row, which {@linkplain #areNumbers are numbers}. */
  void takeBest(LogitsRow row) {
    size = row.bestCount();
    everyToken = false;
    whole = row.bestAreAllAllowed() || size == vocabulary;
    rest = row.bestLogit(size - 1);
    if (best.length < size) {
      best = new long[Math.max(size, 2 * best.length)];
    }
    if (ids.length < size) {
      ids = new int[best.length];
    }
    for (int rank = 0; rank < size; rank++) {
      long bits = Float.floatToRawIntBits(row.bestLogit(rank)) & 0xffffffffL;
      best[rank] = (long) row.bestId(rank) << 32 | bits;
    }
    Arrays.sort(best, 0, size);
    for (int place = 0; place < size; place++) {
      ids[place] = (int) (best[place] >> 32);
      values[place] = Float.intBitsToFloat((int) best[place]);
    }
  }

  /** Returns how many scores there are; their places are those below. */
  public int size() {
    return size;
  }

  /** Returns whether the scores of all tokens that may come next are there. */
  public boolean isWhole() {
    return whole;
  }

  /** Returns the token whose score is at a place. */
  public int id(int place) {
    return everyToken ? place : ids[place];
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
   * @param tokens their ids
   * @param from where to begin: 0, or one after the place that was found last
   * @return the first place from there on whose token is in the set; -1 if there is none
   */
  public int nextPlace(BitSet tokens, int from) {
    if (everyToken) {
      return tokens.nextSetBit(from);
    }
    for (int place = from; place < size; place++) {
      if (tokens.get(ids[place])) {
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
    return whole || score > rest;
  }
}
