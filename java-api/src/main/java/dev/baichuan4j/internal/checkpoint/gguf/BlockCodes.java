package dev.baichuan4j.internal.checkpoint.gguf;

import static dev.baichuan4j.internal.checkpoint.gguf.Float16.f16;

import java.nio.ByteBuffer;

/**
 * The codes of blocks as they are stored, for the kinds whose groups of 32 numbers have a scale d
 * and perhaps a least number m: a number is d (q - 2^(bits-1)), or d q + m.
 *
 * @param bits of a code
 * @param hasLeast whether there is an m
 * @param reader appends the codes of a block and what its groups have
 */
public record BlockCodes(int bits, boolean hasLeast, Reader reader) {
  /** Numbers that share a scale. */
  public static final int GROUP = 32;

  /** Reads one block. */
  interface Reader {
    /**
     * Appends a block.
     *
     * @param in holds the block from {@code at} on
     * @param codes takes a byte for each number
     * @param scales takes d in f16 for each group
     * @param least takes m in f16 for each group, if there is one
     */
    void read(byte[] in, int at, ByteBuffer codes, ByteBuffer scales, ByteBuffer least);
  }

  private static final int HALF = GROUP / 2;

  /** What IQ4_NL's table is held in: its numbers are integers of 8 bits. */
  private static final int MIDDLE_OF_8_BITS = 128;

  static void q4x0(byte[] in, int at, ByteBuffer codes, ByteBuffer scales, ByteBuffer least) {
    scales.put(in, at, 2);
    nibbles(in, at + 2, 0, codes);
  }

  static void q4x1(byte[] in, int at, ByteBuffer codes, ByteBuffer scales, ByteBuffer least) {
    scales.put(in, at, 2);
    least.put(in, at + 2, 2);
    nibbles(in, at + 4, 0, codes);
  }

  static void q5x0(byte[] in, int at, ByteBuffer codes, ByteBuffer scales, ByteBuffer least) {
    scales.put(in, at, 2);
    nibbles(in, at + 6, SmallBlocks.int32(in, at + 2), codes);
  }

  static void q5x1(byte[] in, int at, ByteBuffer codes, ByteBuffer scales, ByteBuffer least) {
    scales.put(in, at, 2);
    least.put(in, at + 2, 2);
    nibbles(in, at + 8, SmallBlocks.int32(in, at + 4), codes);
  }

  static void q8x0(byte[] in, int at, ByteBuffer codes, ByteBuffer scales, ByteBuffer least) {
    scales.put(in, at, 2);
    for (int j = 0; j < GROUP; j++) {
      codes.put((byte) (in[at + 2 + j] + MIDDLE_OF_8_BITS));
    }
  }

  /** The numbers of the table become codes of 8 bits. */
  static void iq4nl(byte[] in, int at, ByteBuffer codes, ByteBuffer scales, ByteBuffer least) {
    scales.put(in, at, 2);
    for (int shift = 0; shift < 8; shift += 4) {
      for (int j = 0; j < HALF; j++) {
        int number = SmallBlocks.NON_LINEAR[in[at + 2 + j] >> shift & 15];
        codes.put((byte) (number + MIDDLE_OF_8_BITS));
      }
    }
  }

  /** Codes of 4 bits with what stands above them: bit j of {@code fifths} is that of number j. */
  private static void nibbles(byte[] in, int at, int fifths, ByteBuffer codes) {
    for (int j = 0; j < GROUP; j++) {
      int nibble = in[at + j % HALF] >> j / HALF * 4 & 15;
      codes.put((byte) (nibble | (fifths >> j & 1) << 4));
    }
  }

  /**
   * Groups of 32 whose scales are products of a superblock's d and of 6 bits: f16 holds 11 bits of
   * such a product's 17, so a scale and a least number are each off by up to 1/2048 of themselves.
   */
  static void q4k(byte[] in, int at, ByteBuffer codes, ByteBuffer scales, ByteBuffer least) {
    superBlock(in, at, at + 16, -1, codes, scales, least);
  }

  static void q5k(byte[] in, int at, ByteBuffer codes, ByteBuffer scales, ByteBuffer least) {
    superBlock(in, at, at + 48, at + 16, codes, scales, least);
  }

  private static void superBlock(
      byte[] in,
      int at,
      int nibbles,
      int fifths,
      ByteBuffer codes,
      ByteBuffer scales,
      ByteBuffer least) {
    float d = f16(in, at);
    float dmin = f16(in, at + 2);
    for (int group = 0; group < SuperBlocks.SIZE / GROUP; group++) {
      scales.putShort(Float16.toF16(d * SuperBlocks.scaleOf4k(in, at + 4, group)));
      least.putShort(Float16.toF16(-dmin * SuperBlocks.minOf4k(in, at + 4, group)));
      for (int j = 0; j < GROUP; j++) {
        int code = in[nibbles + group / 2 * GROUP + j] >> group % 2 * 4 & 15;
        int fifth = fifths < 0 ? 0 : in[fifths + j] >> group & 1;
        codes.put((byte) (code | fifth << 4));
      }
    }
  }
}
