package dev.baichuan4j.internal.tokenizer;

/**
 * A map from two numbers of 21 bits to one of at most 2^21: one long per entry, open addressing, no
 * objects. Filled by one thread, then read by any.
 */
final class PairMap {
  /** The answer of {@link #find} for an absent key. */
  static final int NONE = -1;

  private static final int KEY_BITS = 21;

  /** The greatest number of a key. */
  static final int MAX = (1 << KEY_BITS) - 1;

  private static final int VALUE_BITS = 22; // value + 1, so that an entry is never 0
  private static final long VALUE_MASK = (1L << VALUE_BITS) - 1;
  private static final long GOLDEN = 0x9E3779B97F4A7C15L; // 2^64 / golden ratio, Knuth 6.4

  private long[] slots = new long[1 << 10];
  private int size;

  /** Sets the value of a key; values are 0 to 2^21. */
  void put(int left, int right, int value) {
    if (2 * size >= slots.length) {
      grow();
    }
    long key = key(left, right);
    int slot = slot(key);
    if (slots[slot] == 0) {
      size++;
    }
    slots[slot] = key << VALUE_BITS | value + 1;
  }

  /** Returns the value of a key, or {@link #NONE}. */
  int find(int left, int right) {
    return (int) (slots[slot(key(left, right))] & VALUE_MASK) - 1;
  }

  private static long key(int left, int right) {
    return (long) left << KEY_BITS | right;
  }

  /** Where the key is, or the empty slot where it would be. */
  private int slot(long key) {
    int mask = slots.length - 1;
    int slot = (int) (key * GOLDEN >>> 32) & mask;
    while (slots[slot] != 0 && slots[slot] >>> VALUE_BITS != key) {
      slot = slot + 1 & mask;
    }
    return slot;
  }

  private void grow() {
    long[] old = slots;
    slots = new long[old.length * 2];
    for (long entry : old) {
      if (entry != 0) {
        slots[slot(entry >>> VALUE_BITS)] = entry;
      }
    }
  }
}
