package dev.baichuan4j.internal.tokenizer;

import java.util.Arrays;

/**
 * The characters that stand for bytes in a byte-level vocabulary: printable Latin-1 for itself, the
 * others from U+0100 on in their order; U+0120 is a space. Source: bytes_to_unicode of GPT-2.
 */
final class ByteAlphabet {
  private static final char[] CHARACTERS = new char[256];
  private static final short[] BYTES = new short[0x144]; // by character; -1: none

  static {
    Arrays.fill(BYTES, (short) -1);
    int others = 0;
    for (int b = 0; b < 256; b++) {
      boolean itself = b >= '!' && b <= '~' || b >= 0xA1 && b != 0xAD;
      CHARACTERS[b] = (char) (itself ? b : 0x100 + others++);
      BYTES[CHARACTERS[b]] = (short) b;
    }
  }

  private ByteAlphabet() {}

  static char character(int b) {
    return CHARACTERS[b];
  }

  /** The bytes that a piece spells, or null if it has a character that stands for none. */
  static byte[] bytes(String piece) {
    byte[] bytes = new byte[piece.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = piece.charAt(i);
      if (c >= BYTES.length || BYTES[c] < 0) {
        return null;
      }
      bytes[i] = (byte) BYTES[c];
    }
    return bytes;
  }
}
