package dev.baichuan4j.internal.tokenizer;

/**
 * Puts bytes of UTF-8 that come one by one together to characters. A character is given when it is
 * complete; bytes that cannot become one are U+FFFD as soon as that is known.
 */
final class Utf8Assembler {
  /** What becomes one U+FFFD. */
  enum Malformed {
    /** Each byte, as SentencePiece has it. */
    EACH_BYTE,
    /** Bytes that begin a character and do not complete it together, as Rust and Java have it. */
    MAXIMAL_PART
  }

  private final StringBuilder out;
  private final Malformed malformed;
  private final int[] pending = new int[4]; // bytes of a character that is not complete
  private int pendingCount;

  /**
   * @param out where the characters go
   */
  Utf8Assembler(StringBuilder out, Malformed malformed) {
    this.out = out;
    this.malformed = malformed;
  }

  /** Adds a byte, 0 to 255. */
  void add(int b) {
    if (pendingCount == 0 && b < 0x80) {
      out.append((char) b);
      return;
    }
    pending[pendingCount++] = b;
    drain();
  }

  /** Ends the text, or stands for what is not made of bytes: what waits becomes U+FFFD. */
  void end() {
    while (pendingCount > 0) {
      out.append('\uFFFD');
      dropFirst(malformed == Malformed.EACH_BYTE ? 1 : pendingCount);
      drain();
    }
  }

  /** Moves complete characters and bytes that cannot begin one from pending to out. */
  private void drain() {
    while (pendingCount > 0) {
      int length = sequenceLength(pending[0]);
      int valid = validPrefix(length);
      if (valid < Math.min(length, pendingCount) || length == 0) {
        out.append('\uFFFD');
        dropFirst(malformed == Malformed.EACH_BYTE ? 1 : Math.max(1, valid));
      } else if (valid == length) {
        out.appendCodePoint(codePoint(length));
        dropFirst(length);
      } else {
        return;
      }
    }
  }

  private void dropFirst(int count) {
    pendingCount -= count;
    System.arraycopy(pending, count, pending, 0, pendingCount);
  }

  /** The length of the UTF-8 sequence that a byte begins, or 0. */
  private static int sequenceLength(int b) {
    if (b < 0x80) {
      return 1;
    }
    if (b < 0xC2 || b > 0xF4) {
      return 0;
    }
    return b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
  }

  /** How many of the first pending bytes fit a sequence of that length (Unicode, table 3-7). */
  private int validPrefix(int length) {
    for (int i = 1; i < Math.min(length, pendingCount); i++) {
      int low = 0x80;
      int high = 0xBF;
      if (i == 1) {
        switch (pending[0]) {
          case 0xE0 -> low = 0xA0;
          case 0xED -> high = 0x9F;
          case 0xF0 -> low = 0x90;
          case 0xF4 -> high = 0x8F;
          default -> {}
        }
      }
      if (pending[i] < low || pending[i] > high) {
        return i;
      }
    }
    return Math.min(length, pendingCount);
  }

  private int codePoint(int length) {
    int c = length == 1 ? pending[0] : pending[0] & 0xFF >> length + 1;
    for (int i = 1; i < length; i++) {
      c = c << 6 | pending[i] & 0x3F;
    }
    return c;
  }
}
