package dev.baichuan4j.internal.tokenizer;

import java.util.Arrays;

/**
 * The ids of parts that an encoding has met, because most words of a text come again. A part takes
 * the place of another with the same hash. For one thread at a time.
 */
final class PartCache {
  /** Bytes of the longest part that is kept: longer ones seldom come again. */
  private static final int MAX_BYTES = 48;

  private static final int MAX_PLACES = 1 << 13;

  private final byte[][] parts;
  private final int[][] ids;

  /**
   * @param expected the number of parts that are expected
   */
  PartCache(int expected) {
    int places = Integer.highestOneBit(Math.max(1, Math.min(expected, MAX_PLACES)));
    parts = new byte[places][];
    ids = new int[places][];
  }

  /** The place of a part, for {@link #get} and {@link #put}; -1: it is not to be kept. */
  int place(byte[] bytes, int count) {
    if (count > MAX_BYTES) {
      return -1;
    }
    int hash = 0;
    for (int i = 0; i < count; i++) {
      hash = 31 * hash + bytes[i];
    }
    return (hash ^ hash >>> 15) & parts.length - 1;
  }

  /** The ids of a part, to be read only; null where they are not kept. */
  int[] get(int place, byte[] bytes, int count) {
    byte[] part = place < 0 ? null : parts[place];
    boolean same = part != null && Arrays.equals(part, 0, part.length, bytes, 0, count);
    return same ? ids[place] : null;
  }

  void put(int place, byte[] bytes, int count, int[] result) {
    if (place >= 0) {
      parts[place] = Arrays.copyOf(bytes, count);
      ids[place] = result;
    }
  }
}
