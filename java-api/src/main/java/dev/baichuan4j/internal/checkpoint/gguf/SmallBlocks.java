package dev.baichuan4j.internal.checkpoint.gguf;

import static dev.baichuan4j.internal.checkpoint.gguf.Float16.f16;

/**
 * Blocks of 32 numbers with a scale d in f16, and a least number m where the name ends in 1. Byte j
 * of the codes of 4 bits holds number j in its low half and number j + 16 in its high half.
 *
 * <p>Every product is exact in f32, so that results have the same bits with and without fused
 * operations. Source: dequantize_row_* in ggml-quants.c of github.com/ggml-org/llama.cpp.
 */
final class SmallBlocks {
  /** Numbers of a block. */
  static final int SIZE = 32;

  /** What the 16 codes of IQ4_NL and IQ4_XS stand for: closer together around 0. */
  static final byte[] NON_LINEAR = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private static final int HALF = SIZE / 2;

  private SmallBlocks() {}

  /** d (code - 8). */
  static void q4x0(byte[] in, int at, float[] out, int to) {
    float d = f16(in, at);
    for (int j = 0; j < HALF; j++) {
      int pair = in[at + 2 + j] & 0xff;
      out[to + j] = ((pair & 15) - 8) * d;
      out[to + j + HALF] = ((pair >> 4) - 8) * d;
    }
  }

  /** d code + m. */
  static void q4x1(byte[] in, int at, float[] out, int to) {
    float d = f16(in, at);
    float m = f16(in, at + 2);
    for (int j = 0; j < HALF; j++) {
      int pair = in[at + 4 + j] & 0xff;
      out[to + j] = (pair & 15) * d + m;
      out[to + j + HALF] = (pair >> 4) * d + m;
    }
  }

  /** d (code - 16); the fifth bits of all codes lie in front of their lower four. */
  static void q5x0(byte[] in, int at, float[] out, int to) {
    float d = f16(in, at);
    int high = int32(in, at + 2);
    for (int j = 0; j < HALF; j++) {
      int pair = in[at + 6 + j] & 0xff;
      out[to + j] = ((pair & 15 | (high >> j & 1) << 4) - 16) * d;
      out[to + j + HALF] = ((pair >> 4 | (high >> j + HALF & 1) << 4) - 16) * d;
    }
  }

  /** d code + m, with fifth bits. */
  static void q5x1(byte[] in, int at, float[] out, int to) {
    float d = f16(in, at);
    float m = f16(in, at + 2);
    int high = int32(in, at + 4);
    for (int j = 0; j < HALF; j++) {
      int pair = in[at + 8 + j] & 0xff;
      out[to + j] = (pair & 15 | (high >> j & 1) << 4) * d + m;
      out[to + j + HALF] = (pair >> 4 | (high >> j + HALF & 1) << 4) * d + m;
    }
  }

  /** d code. */
  static void q8x0(byte[] in, int at, float[] out, int to) {
    float d = f16(in, at);
    for (int j = 0; j < SIZE; j++) {
      out[to + j] = in[at + 2 + j] * d;
    }
  }

  /** d times what the code stands for. */
  static void iq4nl(byte[] in, int at, float[] out, int to) {
    nonLinear(in, at + 2, f16(in, at), out, to);
  }

  /** 32 codes of 4 bits that stand for numbers of the table. */
  static void nonLinear(byte[] in, int at, float scale, float[] out, int to) {
    for (int j = 0; j < HALF; j++) {
      int pair = in[at + j] & 0xff;
      out[to + j] = scale * NON_LINEAR[pair & 15];
      out[to + j + HALF] = scale * NON_LINEAR[pair >> 4];
    }
  }

  static int int32(byte[] in, int at) {
    return in[at] & 0xff
        | (in[at + 1] & 0xff) << 8
        | (in[at + 2] & 0xff) << 16
        | (in[at + 3] & 0xff) << 24;
  }
}
