package dev.baichuan4j.internal.engine.constrain;

/** A set of bytes. */
final class ByteSet {
  private final long[] words = new long[4];

  void add(int b) {
    words[b >>> 6] |= 1L << b;
  }

  void addAll(ByteSet other) {
    for (int i = 0; i < words.length; i++) {
      words[i] |= other.words[i];
    }
  }

  /** The first member from {@code from} on; -1 if there is none. */
  int next(int from) {
    for (int b = from; b < 256; b = (b | 63) + 1) {
      long left = words[b >>> 6] >>> b;
      if (left != 0) {
        return b + Long.numberOfTrailingZeros(left);
      }
    }
    return -1;
  }
}
