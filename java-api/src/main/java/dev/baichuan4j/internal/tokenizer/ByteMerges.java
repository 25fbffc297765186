package dev.baichuan4j.internal.tokenizer;

import java.util.Arrays;

/**
 * The merges of a byte-level vocabulary, known by their ranks. Symbols are the ids of pieces.
 * Filled by one thread, then read by any.
 */
final class ByteMerges implements Merges {
  private final PairMap ranks = new PairMap();
  private int[] results = new int[1 << 10]; // by rank
  private int size;

  /** Adds the merge that comes behind those before it; of equal pairs the last counts. */
  void add(int left, int right, int result) {
    if (size == results.length) {
      results = Arrays.copyOf(results, 2 * size);
    }
    ranks.put(left, right, size);
    results[size++] = result;
  }

  @Override
  public int merged(int left, int right) {
    int rank = ranks.find(left, right);
    return rank == PairMap.NONE ? BRIDGE : rank;
  }

  @Override
  public int rank(int merged) {
    return merged == BRIDGE ? NEVER : merged;
  }

  @Override
  public int result(int merged) {
    return results[merged];
  }
}
