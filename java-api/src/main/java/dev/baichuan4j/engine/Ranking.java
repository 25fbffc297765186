package dev.baichuan4j.engine;

/**
 * The tokens in the order of their scores, sorted only as far as is asked: a heap is built in O(V),
 * and each further rank costs O(log V). Of equal scores the lower id comes first.
 */
final class Ranking {

  private final int[] ids; // [V]: the heap, then the ranks that are sorted, best one last
  private double[] scores; // [V]
  private int heapSize;

  Ranking(int vocabulary) {
    ids = new int[vocabulary];
  }

  /** Starts over with these scores, [V]; only those of ranks already asked for may change. */
  void start(double[] scores) {
    this.scores = scores;
    heapSize = ids.length;
    for (int i = 0; i < heapSize; i++) {
      ids[i] = i;
    }
    for (int i = heapSize / 2 - 1; i >= 0; i--) {
      siftDown(i, ids[i]);
    }
  }

  /** Returns the id at a rank, 0 for the best; sorts that far. */
  int at(int rank) {
    while (ids.length - heapSize <= rank) {
      int best = ids[0];
      int last = ids[--heapSize];
      if (heapSize > 0) {
        siftDown(0, last);
      }
      ids[heapSize] = best;
    }
    return ids[ids.length - 1 - rank];
  }

  private void siftDown(int hole, int id) {
    int half = heapSize / 2;
    while (hole < half) {
      int child = 2 * hole + 1;
      if (child + 1 < heapSize && isBefore(ids[child + 1], ids[child])) {
        child++;
      }
      if (isBefore(id, ids[child])) {
        break;
      }
      ids[hole] = ids[child];
      hole = child;
    }
    ids[hole] = id;
  }

  private boolean isBefore(int a, int b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  }
}
