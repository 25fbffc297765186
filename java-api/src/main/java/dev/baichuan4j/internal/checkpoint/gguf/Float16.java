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
   * Returns a number rounded to the nearest binary16, ties to even; those of a magnitude from 65520
   * on are infinite.
   */
  public static float roundToF16(float value) {
    float magnitude = Math.abs(value);
    if (magnitude < 0x1p-14f) {
      // The sum is rounded where subnormals of f16 end, at 2^-24; the difference is exact.
      return Math.copySign(magnitude + 0.5f - 0.5f, value);
    }
    if (!(magnitude < 65520)) {
      return magnitude == magnitude ? Math.copySign(Float.POSITIVE_INFINITY, value) : value;
    }
    int bits = Float.floatToRawIntBits(value);
    return Float.intBitsToFloat(bits + 0xfff + (bits >>> 13 & 1) & -0x2000);
  }

  /** Returns the binary16 that is nearest to a number, ties to even. */
  public static short toF16(float value) {
    float rounded = roundToF16(value);
    int bits = Float.floatToRawIntBits(rounded);
    int sign = bits >>> 16 & 0x8000;
    if (Float.isNaN(rounded)) {
      return (short) (sign | 0x7e00);
    }
    if (Float.isInfinite(rounded)) {
      return (short) (sign | 0x7c00);
    }
    // The exponents begin 112 apart; the product is exact, of subnormals as well.
    return (short) (sign | Float.floatToRawIntBits(Math.abs(rounded) * 0x1p-112f) >>> 13);
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
