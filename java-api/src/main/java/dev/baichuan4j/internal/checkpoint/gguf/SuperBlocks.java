package dev.baichuan4j.internal.checkpoint.gguf;

import static dev.baichuan4j.internal.checkpoint.gguf.Float16.f16;

/**
 * Blocks of 256 numbers in groups of 16 or 32. A group has a scale of few bits, and a least number
 * where the kind is not symmetric; the block has the units of both in f16.
 *
 * <p>Source: dequantize_row_* in ggml-quants.c of github.com/ggml-org/llama.cpp, whose order of
 * operations is kept.
 */
final class SuperBlocks {
  /** Numbers of a block. */
  static final int SIZE = 256;

  private SuperBlocks() {}

  /** Scales and mins of 4 bits [16], codes of 2 bits [256], d, dmin. */
  static void q2k(byte[] in, int at, float[] out, int to) {
    float d = f16(in, at + 80);
    float dmin = f16(in, at + 82);
    for (int group = 0; group < 16; group++) {
      int packed = in[at + group] & 0xff;
      float scale = d * (packed & 15);
      float min = dmin * (packed >> 4);
      int codes = at + 16 + group / 8 * 32 + group % 2 * 16;
      int shift = group % 8 / 2 * 2;
      for (int j = 0; j < 16; j++) {
        out[to + 16 * group + j] = scale * (in[codes + j] >> shift & 3) - min;
      }
    }
  }

  /** Third bits [256], codes of 2 bits [256], scales of 6 bits [16] in 12 bytes, d. */
  static void q3k(byte[] in, int at, float[] out, int to) {
    float d = f16(in, at + 108);
    for (int group = 0; group < 16; group++) {
      float scale = d * (scaleOf3k(in, at + 96, group) - 32);
      int run = group % 2 * 16;
      int codes = at + 32 + group / 8 * 32 + run;
      int shift = group % 8 / 2 * 2;
      int highBit = group / 2;
      for (int j = 0; j < 16; j++) {
        int low = in[codes + j] >> shift & 3;
        int missing = 4 - (in[at + run + j] >> highBit & 1) * 4;
        out[to + 16 * group + j] = scale * (low - missing);
      }
    }
  }

  /** Bytes 0 to 7 hold the low halves of two scales each, bytes 8 to 11 the upper bits of four. */
  private static int scaleOf3k(byte[] in, int at, int group) {
    int low = in[at + group % 8] >> group / 8 * 4 & 15;
    int high = in[at + 8 + group % 4] >> group / 4 * 2 & 3;
    return low | high << 4;
  }

  /** d, dmin, scales and mins of 6 bits [8] in 12 bytes, codes of 4 bits [256]. */
  static void q4k(byte[] in, int at, float[] out, int to) {
    float d = f16(in, at);
    float dmin = f16(in, at + 2);
    for (int group = 0; group < 8; group++) {
      float scale = d * scaleOf4k(in, at + 4, group);
      float min = dmin * minOf4k(in, at + 4, group);
      int codes = at + 16 + group / 2 * 32;
      int shift = group % 2 * 4;
      for (int j = 0; j < 32; j++) {
        out[to + 32 * group + j] = scale * (in[codes + j] >> shift & 15) - min;
      }
    }
  }

  /** As q4k, with fifth bits [256] in front of the codes. */
  static void q5k(byte[] in, int at, float[] out, int to) {
    float d = f16(in, at);
    float dmin = f16(in, at + 2);
    for (int group = 0; group < 8; group++) {
      float scale = d * scaleOf4k(in, at + 4, group);
      float min = dmin * minOf4k(in, at + 4, group);
      int codes = at + 48 + group / 2 * 32;
      int shift = group % 2 * 4;
      for (int j = 0; j < 32; j++) {
        int code = in[codes + j] >> shift & 15 | (in[at + 16 + j] >> group & 1) << 4;
        out[to + 32 * group + j] = scale * code - min;
      }
    }
  }

  static int scaleOf4k(byte[] in, int at, int group) {
    return group < 4
        ? in[at + group] & 63
        : in[at + group + 4] & 15 | (in[at + group - 4] >> 6 & 3) << 4;
  }

  static int minOf4k(byte[] in, int at, int group) {
    return group < 4
        ? in[at + group + 4] & 63
        : in[at + group + 4] >> 4 & 15 | (in[at + group] >> 6 & 3) << 4;
  }

  /** Low halves of codes [256], their upper 2 bits [256], scales of 8 bits [16], d. */
  static void q6k(byte[] in, int at, float[] out, int to) {
    float d = f16(in, at + 208);
    for (int group = 0; group < 16; group++) {
      float scale = d * in[at + 192 + group];
      int half = group / 8;
      int quarter = group % 8 / 2;
      int run = group % 2 * 16;
      int low = at + half * 64 + quarter % 2 * 32 + run;
      int high = at + 128 + half * 32 + run;
      for (int j = 0; j < 16; j++) {
        int code = in[low + j] >> quarter / 2 * 4 & 15 | (in[high + j] >> quarter * 2 & 3) << 4;
        out[to + 16 * group + j] = scale * (code - 32);
      }
    }
  }

  /** d, upper 2 bits of scales [8], their lower halves [8], codes of 4 bits of a table [256]. */
  static void iq4xs(byte[] in, int at, float[] out, int to) {
    float d = f16(in, at);
    int upper = in[at + 2] & 0xff | (in[at + 3] & 0xff) << 8;
    for (int group = 0; group < 8; group++) {
      int low = in[at + 4 + group / 2] >> group % 2 * 4 & 15;
      float scale = d * ((low | (upper >> 2 * group & 3) << 4) - 32);
      SmallBlocks.nonLinear(in, at + 8 + 16 * group, scale, out, to + 32 * group);
    }
  }
}
