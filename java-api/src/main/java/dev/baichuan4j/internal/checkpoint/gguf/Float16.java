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

  /** Returns the upper half of a binary32, rounded to the nearest, ties to even. */
  public static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  /** Returns an IEEE 754 binary16, rounded to the nearest, ties to even. */
  public static short toF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude >= 0x7f800000) {
      return (short) (sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0));
    }
    if (magnitude >= 0x477ff000) { // 65520, half-way from the largest to the next power of two
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) { // 2^-14, the least that is normal
      return (short) (sign | (int) Math.rint(Float.intBitsToFloat(magnitude) * 0x1p24));
    }
    int rounded = magnitude + 0xfff + (magnitude >>> 13 & 1);
    return (short) (sign | rounded - 0x38000000 >>> 13);
  }

  /** Returns the binary16 at a place of an array, little-endian. */
  static float f16(byte[] bytes, int at) {
    return ofF16((short) (bytes[at] & 0xff | bytes[at + 1] << 8));
  }
}
