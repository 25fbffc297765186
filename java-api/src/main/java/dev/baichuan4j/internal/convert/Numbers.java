package dev.baichuan4j.internal.convert;

import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.gguf.Float16;
import java.nio.ByteBuffer;

/** Numbers of the types that weights are stored in, from and to f32. */
final class Numbers {
  private Numbers() {}

  /** Reads {@code count} numbers from the start of a little-endian buffer. */
  static void decode(ByteBuffer in, DType type, float[] out, int count) {
    switch (type) {
      case F32 -> in.asFloatBuffer().get(out, 0, count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          out[i] = Float16.ofF16(in.getShort(2 * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          out[i] = Float.intBitsToFloat(in.getShort(2 * i) << 16);
        }
      }
      default -> throw new IllegalArgumentException(type + " is no type of weights");
    }
  }

  /** Appends numbers, rounded, to a little-endian buffer, and replaces them by what is kept. */
  static void encode(float[] numbers, int count, DType type, ByteBuffer out) {
    for (int i = 0; i < count; i++) {
      switch (type) {
        case F32 -> out.putFloat(numbers[i]);
        case F16 -> {
          short bits = Float16.toF16(numbers[i]);
          out.putShort(bits);
          numbers[i] = Float16.ofF16(bits);
        }
        case BF16 -> {
          short bits = Float16.toBf16(numbers[i]);
          out.putShort(bits);
          numbers[i] = Float.intBitsToFloat(bits << 16);
        }
        default -> throw new IllegalArgumentException(type + " is no type of weights");
      }
    }
  }
}
