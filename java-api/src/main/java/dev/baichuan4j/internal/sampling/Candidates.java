package dev.baichuan4j.internal.sampling;

/**
 * The scores that may be drawn, by their places among all of them. They have ranks by score, of
 * equal scores the lower place first, but are never sorted: what is asked for is found by parting
 * them as quicksort does and going on in one of the parts (quickselect, Hoare 1961), in O(n) on
 * average whatever the scores. The pivots are pseudo-random and the same after every {@link
 * #start}, so results, rounded sums included, depend on the scores that take part and on nothing
 * before.
 */
final class Candidates {
  private final int[] places; // of which the first size are candidates
  private double[] scores;
  private double[] ranks; // what the order of ranks is by: the scores, for most of the time
  private int size;
  private final SplitMix64 pivots = new SplitMix64(0);

  /**
   * @param most the most scores there are
   */
  Candidates(int most) {
    places = new int[most];
  }

  /**
   * Starts over with the places of the first scores that reach a floor, lower places first.
   *
   * @param scores kept, and read by the calls that follow
   * @param end places [0, end) take part
   * @param floor the lowest score that takes part
   */
  void start(double[] scores, int end, double floor) {
    this.scores = scores;
    this.ranks = scores;
    size = 0;
    pivots.restart(0);
    for (int place = 0; place < end; place++) {
      if (scores[place] >= floor) {
        places[size++] = place;
      }
    }
  }

  int size() {
    return size;
  }

  /** Returns the place of the i-th candidate, in no particular order. */
  int place(int i) {
    return places[i];
  }

  /**
   * Returns the k-th best score.
   *
   * @param k at least 1 and at most {@link #size}
   */
  double best(int k) {
    int from = 0;
    int to = size;
    while (true) {
      int at = part(from, to);
      if (at == k - 1) {
        return ranks[places[at]];
      } else if (at < k) {
        from = at + 1;
      } else {
        to = at;
      }
    }
  }

  /** Ranks by other numbers than the scores, which stay what is added up. */
  void rankBy(double[] ranks) {
    this.ranks = ranks;
  }

  /** Drops the scores below a floor. */
  void keepFrom(double floor) {
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (ranks[places[i]] >= floor) {
        swap(i, kept++);
      }
    }
    size = kept;
  }

  /** Drops all but the best that reach an amount together: as few as possible, at least one. */
  void keepAmount(double amount) {
    size = reach(amount) + 1;
  }

  /** As {@link #keepAmount}, and keeps all that equal the last of those in rank. */
  void keepAmountAndEquals(double amount) {
    keepFrom(ranks[places[reach(amount)]]);
  }

  /** Drops all that are better than one of them. */
  void dropBefore(int place) {
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (!isBefore(places[i], place)) {
        swap(i, kept++);
      }
    }
    size = kept;
  }

  /** Returns the first place, in order of rank, at which the scores so far exceed an amount. */
  int exceeding(double amount) {
    return places[reach(Math.nextUp(amount))];
  }

  double total() {
    double total = 0;
    for (int i = 0; i < size; i++) {
      total += scores[places[i]];
    }
    return total;
  }

  /**
   * Returns the lowest rank at which the sum of the scores up to it reaches an amount, or the last
   * one if none does; the score of that rank and the better ones then stand at their ranks or
   * below.
   */
  private int reach(double amount) {
    int from = 0;
    int to = size;
    double rest = amount; // less the scores of ranks below from
    while (from < to) {
      int at = part(from, to);
      double better = 0;
      for (int i = from; i < at; i++) {
        better += scores[places[i]];
      }
      if (at > from && better >= rest) {
        to = at;
        continue;
      }
      double upTo = better + scores[places[at]];
      if (upTo >= rest) {
        return at;
      }
      rest -= upTo;
      from = at + 1;
    }
    return to - 1;
  }

  /**
   * Parts places [from, to) by rank at one of them: the better ones, it, the worse ones.
   *
   * @return where it is then
   */
  private int part(int from, int to) {
    int chosen = from + (int) (pivots.nextDouble() * (to - from));
    swap(chosen, to - 1);
    int pivot = places[to - 1];
    int at = from;
    for (int i = from; i < to - 1; i++) {
      if (isBefore(places[i], pivot)) {
        swap(i, at++);
      }
    }
    swap(at, to - 1);
    return at;
  }

  /** Returns whether a place is better than another. */
  boolean isBefore(int a, int b) {
    return ranks[a] > ranks[b] || (ranks[a] == ranks[b] && a < b);
  }

  private void swap(int i, int j) {
    int place = places[i];
    places[i] = places[j];
    places[j] = place;
  }
}
