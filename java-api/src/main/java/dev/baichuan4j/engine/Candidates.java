package dev.baichuan4j.engine;

/**
 * The tokens that may be drawn. They have ranks by score, of equal scores the lower id first, but
 * are never sorted: what is asked for is found by parting them as quicksort does and going on in
 * one of the parts (quickselect, Hoare 1961), in O(V) on average whatever the scores. The pivots
 * are pseudo-random and the same for the same calls, so results are too.
 */
final class Candidates {
  private final int[] ids; // [V], of which the first size are candidates
  private double[] scores; // [V]
  private int size;
  private final SplitMix64 pivots = new SplitMix64(0);

  Candidates(int vocabulary) {
    ids = new int[vocabulary];
  }

  /**
   * Starts over with the tokens of a part of the vocabulary that reach a floor.
   *
   * @param scores [V]; kept, and read by the calls that follow
   * @param end ids [0, end) take part
   * @param floor the lowest score that takes part
   */
  void start(double[] scores, int end, double floor) {
    this.scores = scores;
    size = 0;
    for (int id = 0; id < end; id++) {
      if (scores[id] >= floor) {
        ids[size++] = id;
      }
    }
  }

  int size() {
    return size;
  }

  /** Returns the i-th candidate, in no particular order. */
  int id(int i) {
    return ids[i];
  }

  /**
   * Drops all but the best k and those that equal the k-th.
   *
   * @param k at least 1 and at most {@link #size}
   * @return the score of the k-th
   */
  double keepBest(int k) {
    int from = 0;
    int to = size;
    while (true) {
      int place = part(from, to);
      if (place == k - 1) {
        break;
      } else if (place < k) {
        from = place + 1;
      } else {
        to = place;
      }
    }
    double last = scores[ids[k - 1]];
    int kept = k;
    for (int i = k; i < size; i++) {
      if (scores[ids[i]] == last) {
        swap(i, kept++);
      }
    }
    size = kept;
    return last;
  }

  /** Drops the tokens below a floor. */
  void keepFrom(double floor) {
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (scores[ids[i]] >= floor) {
        swap(i, kept++);
      }
    }
    size = kept;
  }

  /** Drops all but the best that reach an amount together: as few as possible, at least one. */
  void keepAmount(double amount) {
    size = reach(amount) + 1;
  }

  /** Returns the first token, in order of rank, at which the scores so far exceed an amount. */
  int exceeding(double amount) {
    return ids[reach(Math.nextUp(amount))];
  }

  double total() {
    double total = 0;
    for (int i = 0; i < size; i++) {
      total += scores[ids[i]];
    }
    return total;
  }

  /**
   * Returns the lowest rank at which the sum of the scores up to it reaches an amount, or the last
   * one if none does; the token of that rank and the better ones then stand at their ranks or
   * below.
   */
  private int reach(double amount) {
    int from = 0;
    int to = size;
    double rest = amount; // less the scores of ranks below from
    while (from < to) {
      int place = part(from, to);
      double better = 0;
      for (int i = from; i < place; i++) {
        better += scores[ids[i]];
      }
      if (place > from && better >= rest) {
        to = place;
        continue;
      }
      double upTo = better + scores[ids[place]];
      if (upTo >= rest) {
        return place;
      }
      rest -= upTo;
      from = place + 1;
    }
    return to - 1;
  }

  /**
   * Parts ids [from, to) by rank at one of them: the better ones, it, the worse ones.
   *
   * @return its place
   */
  private int part(int from, int to) {
    int chosen = from + (int) (pivots.nextDouble() * (to - from));
    swap(chosen, to - 1);
    int pivot = ids[to - 1];
    int place = from;
    for (int i = from; i < to - 1; i++) {
      if (isBefore(ids[i], pivot)) {
        swap(i, place++);
      }
    }
    swap(place, to - 1);
    return place;
  }

  private boolean isBefore(int a, int b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  }

  private void swap(int i, int j) {
    int id = ids[i];
    ids[i] = ids[j];
    ids[j] = id;
  }
}
