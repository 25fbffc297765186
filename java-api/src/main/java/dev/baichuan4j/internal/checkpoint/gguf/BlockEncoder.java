package dev.baichuan4j.internal.checkpoint.gguf;

import java.nio.ByteBuffer;

/**
 * Writes blocks of 32 numbers as the functions quantize_row_*_ref of ggml do, whose scales follow
 * from the extremes of a block. Source: ggml-quants.c of github.com/ggml-org/llama.cpp.
 */
public final class BlockEncoder {
  private static final int SIZE = SmallBlocks.SIZE;
  private static final int HALF = SIZE / 2;

  private BlockEncoder() {}

  /** Returns whether blocks of a kind are written here: Q8_0, Q4_0 and Q4_1. */
  public static boolean writes(GgufKind kind) {
    return kind == GgufKind.Q8_0 || kind == GgufKind.Q4_0 || kind == GgufKind.Q4_1;
  }

  /**
   * Appends numbers to a little-endian buffer, and replaces them by what their codes stand for.
   *
   * @param kind one that is written here
   * @param from the first of {@code count} numbers, a multiple of 32
   */
  public static void encode(GgufKind kind, float[] numbers, int from, int count, ByteBuffer out) {
    byte[] block = new byte[kind.blockBytes()];
    for (int at = from; at < from + count; at += SIZE) {
      int start = out.position();
      switch (kind) {
        case Q8_0 -> q8x0(numbers, at, out);
        case Q4_0 -> q4x0(numbers, at, out);
        case Q4_1 -> q4x1(numbers, at, out);
        default -> throw new IllegalArgumentException(kind + " is not written");
      }
      out.get(start, block);
      float[] held = new float[SIZE];
      kind.decode(block, 0, held, SIZE);
      System.arraycopy(held, 0, numbers, at, SIZE);
    }
  }

  /** The largest magnitude is 127 steps. */
  private static void q8x0(float[] x, int at, ByteBuffer out) {
    float largest = 0;
    for (int j = 0; j < SIZE; j++) {
      largest = Math.max(largest, Math.abs(x[at + j]));
    }
    float d = largest / 127;
    float inverse = d == 0 ? 0 : 1 / d;
    out.putShort(Float16.toF16(d));
    for (int j = 0; j < SIZE; j++) {
      out.put((byte) awayFromZero(x[at + j] * inverse));
    }
  }

  /** The number of largest magnitude is code 0, eight steps from code 8, which is zero. */
  private static void q4x0(float[] x, int at, ByteBuffer out) {
    float extreme = 0;
    for (int j = 0; j < SIZE; j++) {
      if (Math.abs(x[at + j]) > Math.abs(extreme)) {
        extreme = x[at + j];
      }
    }
    float d = extreme / -8;
    float inverse = d == 0 ? 0 : 1 / d;
    out.putShort(Float16.toF16(d));
    for (int j = 0; j < HALF; j++) {
      int low = Math.min(15, (byte) (x[at + j] * inverse + 8.5f));
      int high = Math.min(15, (byte) (x[at + j + HALF] * inverse + 8.5f));
      out.put((byte) (low | high << 4));
    }
  }

  /** The least number is code 0, the greatest is code 15. */
  private static void q4x1(float[] x, int at, ByteBuffer out) {
    float least = Float.MAX_VALUE;
    float greatest = -Float.MAX_VALUE;
    for (int j = 0; j < SIZE; j++) {
      least = Math.min(least, x[at + j]);
      greatest = Math.max(greatest, x[at + j]);
    }
    float d = (greatest - least) / 15;
    float inverse = d == 0 ? 0 : 1 / d;
    out.putShort(Float16.toF16(d)).putShort(Float16.toF16(least));
    for (int j = 0; j < HALF; j++) {
      int low = Math.min(15, (byte) ((x[at + j] - least) * inverse + 0.5f));
      int high = Math.min(15, (byte) ((x[at + j + HALF] - least) * inverse + 0.5f));
      out.put((byte) (low | high << 4));
    }
  }

  /** To the nearest integer, halves away from zero: C's roundf. */
  private static int awayFromZero(float x) {
    int whole = (int) x;
    return Math.abs(x - whole) >= 0.5f ? whole + (int) Math.signum(x) : whole;
  }
}
