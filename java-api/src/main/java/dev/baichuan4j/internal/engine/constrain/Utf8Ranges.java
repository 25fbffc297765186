package dev.baichuan4j.internal.engine.constrain;

import java.util.function.Consumer;

/**
 * A range of scalar values as sequences of byte ranges in UTF-8.
 *
 * <p>Source of the method: Cox, "Regular Expression Matching in the Wild" (2010), as in RE2.
 */
final class Utf8Ranges {
  private static final int[] LAST_OF_LENGTH = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};

  private Utf8Ranges() {}

  /**
   * Passes on sequences [bytes][2], first and last byte of each place, in ascending order, that
   * together spell the values from {@code first} to {@code last}, among which is no surrogate.
   */
  static void split(int first, int last, Consumer<int[][]> sequences) {
    for (int end : LAST_OF_LENGTH) {
      if (first <= end && end < last) {
        split(first, end, sequences);
        split(end + 1, last, sequences);
        return;
      }
    }
    if (last > 0x7F) {
      for (int bits = 6; bits <= 18; bits += 6) {
        int mask = (1 << bits) - 1; // the values of that many continuation bits
        if ((first & ~mask) != (last & ~mask)) {
          if ((first & mask) != 0) {
            split(first, first | mask, sequences);
            split((first | mask) + 1, last, sequences);
            return;
          }
          if ((last & mask) != mask) {
            split(first, (last & ~mask) - 1, sequences);
            split(last & ~mask, last, sequences);
            return;
          }
        }
      }
    }
    int[] low = encode(first);
    int[] high = encode(last);
    int[][] sequence = new int[low.length][];
    for (int i = 0; i < low.length; i++) {
      sequence[i] = new int[] {low[i], high[i]};
    }
    sequences.accept(sequence);
  }

  /** The bytes of a scalar value. */
  static int[] encode(int c) {
    if (c < 0x80) {
      return new int[] {c};
    }
    if (c < 0x800) {
      return new int[] {0xC0 | c >>> 6, 0x80 | c & 0x3F};
    }
    if (c < 0x10000) {
      return new int[] {0xE0 | c >>> 12, 0x80 | c >>> 6 & 0x3F, 0x80 | c & 0x3F};
    }
    return new int[] {
      0xF0 | c >>> 18, 0x80 | c >>> 12 & 0x3F, 0x80 | c >>> 6 & 0x3F, 0x80 | c & 0x3F
    };
  }
}
