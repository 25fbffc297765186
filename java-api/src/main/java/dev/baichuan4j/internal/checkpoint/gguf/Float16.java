package dev.baichuan4j.internal.checkpoint.gguf;

/** Numbers of 16 bits. */
public final class Float16 {
  private Float16() {}

  /** Returns the value of an IEEE 754 binary16: what Float.float16ToFloat does in Java 20. */
  public static float ofF16(short bits) {
    int magnitude = bits & 0x7fff;
    int sign = (bits & 0x8000) << 16;
    if (magnitude >= 0x7c00) {
      return Float.intBitsToFloat(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    }
    // The exponents of f16 and f32 begin 112 apart; the product is exact, of subnormals as well.
    float value = Float.intBitsToFloat(magnitude << 13) * 0x1p112f;
    return Float.intBitsToFloat(Float.floatToRawIntBits(value) | sign);
  }

  /**
   * Returns the nearest IEEE 754 binary16, ties to even; what is too large becomes infinite. It is
   * what Float.floatToFloat16 does in Java 20.
   */
  public static short toF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= 0x477ff000) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) {
      // Adding 0.5 lets the float adder round to a multiple of 2^-24, the step of subnormals.
      float shifted = Float.intBitsToFloat(magnitude) + 0.5f;
      return (short) (sign | Float.floatToRawIntBits(shifted) - Float.floatToRawIntBits(0.5f));
    }
    int rounded = magnitude + 0xfff + (magnitude >>> 13 & 1);
    return (short) (sign | rounded - (112 << 23) >>> 13);
  }

  /** Returns a number rounded to the nearest binary16, as {@link #toF16} does. */
  public static float roundToF16(float value) {
    return ofF16(toF16(value));
  }

  /** Returns the upper half of a binary32, rounded to the nearest, ties to even. */
  public static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  /** Returns the binary16 at a place of an array, little-endian. */
  static float f16(byte[] bytes, int at) {
    return ofF16((short) (bytes[at] & 0xff | bytes[at + 1] << 8));
  }
}
