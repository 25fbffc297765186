package dev.baichuan4j.internal.tokenizer;

import java.util.Arrays;

/**
 * A run of symbols with no wall in it, and its merging: again and again the two neighbours with the
 * best rank, the leftmost of equals, become one symbol. Scratch memory of one encoding.
 */
final class Segment {
  /** Up to this length, looking at every pair for each merge is faster than a heap. */
  private static final int SCAN_LIMIT = 40;

  private static final int DEAD = -1;

  private final Merges merges;
  private int length;
  private int[] symbols = new int[SCAN_LIMIT];
  private int[] merged = new int[SCAN_LIMIT]; // the merge of [i] and the symbol after it
  private int[] ranks = new int[SCAN_LIMIT]; // of merged[i]
  private int[] next = {};
  private int[] previous = {};
  private long[] heap = {}; // min-heap of rank << 32 | left
  private int heapSize;

  Segment(Merges merges) {
    this.merges = merges;
  }

  int length() {
    return length;
  }

  int symbol(int index) {
    return symbols[index];
  }

  int[] toArray() {
    return Arrays.copyOf(symbols, length);
  }

  void clear() {
    length = 0;
  }

  /** Appends a symbol, or answers false if there is a wall before it. */
  boolean append(int symbol) {
    if (length > 0) {
      int pair = merges.merged(symbols[length - 1], symbol);
      if (pair == Merges.WALL) {
        return false;
      }
      merged[length - 1] = pair;
      ranks[length - 1] = merges.rank(pair);
    }
    if (length + 1 >= symbols.length) {
      int capacity = 2 * symbols.length;
      symbols = Arrays.copyOf(symbols, capacity);
      merged = Arrays.copyOf(merged, capacity);
      ranks = Arrays.copyOf(ranks, capacity);
    }
    symbols[length++] = symbol;
    return true;
  }

  /** Merges until nothing merges any more. */
  void merge() {
    if (length <= SCAN_LIMIT) {
      mergeByScan();
    } else {
      mergeByHeap();
    }
  }

  /** O(n^2) for tiny n: find the best pair, close the gap, repeat. */
  private void mergeByScan() {
    while (true) {
      int best = Merges.NEVER;
      int left = 0;
      for (int i = 0; i < length - 1; i++) {
        if (ranks[i] < best) {
          best = ranks[i];
          left = i;
        }
      }
      if (best == Merges.NEVER) {
        return;
      }
      symbols[left] = merges.result(merged[left]);
      length--;
      for (int i = left + 1; i < length; i++) {
        symbols[i] = symbols[i + 1];
        merged[i] = merged[i + 1];
        ranks[i] = ranks[i + 1];
      }
      if (left > 0) {
        pair(left - 1, left);
      }
      if (left + 1 < length) {
        pair(left, left + 1);
      }
    }
  }

  /**
   * O(n log n): a heap of candidates; one whose pair has changed since is recognized by its rank.
   */
  private void mergeByHeap() {
    link();
    while (heapSize > 0) {
      long top = poll();
      int left = (int) top;
      if (ranks[left] != (int) (top >>> 32)) {
        continue;
      }
      int right = next[left];
      symbols[left] = merges.result(merged[left]);
      symbols[right] = DEAD;
      ranks[right] = Merges.NEVER;
      ranks[left] = Merges.NEVER;
      next[left] = next[right];
      if (next[left] < length) {
        previous[next[left]] = left;
        pair(left, next[left]);
        offer(left);
      }
      if (previous[left] >= 0) {
        pair(previous[left], left);
        offer(previous[left]);
      }
    }
    int kept = 0;
    for (int i = 0; i < length; i++) {
      if (symbols[i] != DEAD) {
        symbols[kept++] = symbols[i];
      }
    }
    length = kept;
  }

  private void link() {
    if (next.length < length) {
      next = new int[symbols.length];
      previous = new int[symbols.length];
    }
    ranks[length - 1] = Merges.NEVER;
    heapSize = 0;
    for (int i = 0; i < length; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
      offer(i);
    }
  }

  private void pair(int left, int right) {
    merged[left] = merges.merged(symbols[left], symbols[right]);
    ranks[left] = merges.rank(merged[left]);
  }

  private void offer(int left) {
    if (ranks[left] == Merges.NEVER) {
      return;
    }
    if (heapSize == heap.length) {
      heap = Arrays.copyOf(heap, Math.max(256, 2 * heapSize));
    }
    long entry = (long) ranks[left] << 32 | left;
    int at = heapSize++;
    while (at > 0 && heap[at - 1 >> 1] > entry) {
      heap[at] = heap[at - 1 >> 1];
      at = at - 1 >> 1;
    }
    heap[at] = entry;
  }

  private long poll() {
    long top = heap[0];
    long last = heap[--heapSize];
    int at = 0;
    for (int child = 1; child < heapSize; child = 2 * at + 1) {
      if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= last) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
