package dev.baichuan4j.engine;

/**
 * The tokens in the order of their scores, sorted only as far as is asked: a heap is built in O(V),
 * and each further rank costs O(log V). Of equal scores the lower id comes first.
 */
final class Ranking {

  private final int[] ids; // [V]: the heap, then the ranks that are sorted, best one last
  private double[] scores; // [V]
  private int size; // tokens that take part
  private int heapSize;

  Ranking(int vocabulary) {
    ids = new int[vocabulary];
  }

  /**
   * Starts over with the tokens of a part of the vocabulary that reach a floor.
   *
   * @param scores [V]; only those of ranks already asked for may change
   * @param end ids [0, end) take part
   * @param floor the lowest score that takes part
   * @return how many tokens take part
   */
  int start(double[] scores, int end, double floor) {
    this.scores = scores;
    size = 0;
    for (int id = 0; id < end; id++) {
      if (scores[id] >= floor) {
        ids[size++] = id;
      }
    }
    heapSize = size;
    for (int i = heapSize / 2 - 1; i >= 0; i--) {
      siftDown(i, ids[i]);
    }
    return size;
  }

  /** Returns the id at a rank, 0 for the best; sorts that far. */
  int at(int rank) {
    while (size - heapSize <= rank) {
      int best = ids[0];
      int last = ids[--heapSize];
      if (heapSize > 0) {
        siftDown(0, last);
      }
      ids[heapSize] = best;
    }
    return ids[size - 1 - rank];
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
