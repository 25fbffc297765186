package dev.baichuan4j.internal.checkpoint.quantized;

import dev.baichuan4j.internal.checkpoint.gguf.Float16;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/** Element types of the tensors that matrices are stored in, named as safetensors names them. */
public enum Element {
  /** Bytes from 0 to 255. */
  U8(1),
  /** Bytes from -128 to 127. */
  I8(1),
  /** 32-bit integers: words of codes, indices. */
  I32(4),
  /** 64-bit integers: shapes. */
  I64(8),
  /** IEEE 754 binary16. */
  F16(2),
  /** The upper half of a binary32. */
  BF16(2),
  /** IEEE 754 binary32. */
  F32(4);

  private final int size;

  Element(int size) {
    this.size = size;
  }

  /** Returns the type of a name, or empty where no form is made of it. */
  public static Optional<Element> of(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }

  /** Returns the bytes of an element. */
  public int size() {
    return size;
  }

  /** Returns whether its elements are floating-point numbers. */
  public boolean isFloat() {
    return this == F16 || this == BF16 || this == F32;
  }

  /** Reads floating-point numbers from a little-endian buffer. */
  float[] numbers(ByteBuffer bytes) {
    float[] numbers = new float[bytes.remaining() / size];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] =
          switch (this) {
            case F16 -> Float16.ofF16(bytes.getShort());
            case BF16 -> Float.intBitsToFloat(bytes.getShort() << 16);
            case F32 -> bytes.getFloat();
            default -> throw new IllegalStateException(toString());
          };
    }
    return numbers;
  }

  /** Rounds numbers to the nearest of this type, ties to even. */
  void round(float[] numbers) {
    switch (this) {
      case F16 -> {
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = roundToF16(numbers[i]);
        }
      }
      case BF16 -> {
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = Float.intBitsToFloat(Float16.toBf16(numbers[i]) << 16);
        }
      }
      case F32 -> {}
      default -> throw new IllegalStateException(toString());
    }
  }

  /** Most numbers are of a magnitude that f16 has with all of its 11 bits. */
  private static float roundToF16(float number) {
    int bits = Float.floatToRawIntBits(number);
    int magnitude = bits & 0x7fffffff;
    return magnitude >= 0x38800000 && magnitude < 0x477ff000
        ? Float.intBitsToFloat(bits + 0xfff + (bits >>> 13 & 1) & -0x2000)
        : Float16.roundToF16(number);
  }

  /** Appends numbers to a little-endian buffer, rounded to this type. */
  void put(float[] numbers, ByteBuffer target) {
    switch (this) {
      case F16, BF16 -> {
        short[] rounded = new short[numbers.length];
        for (int i = 0; i < rounded.length; i++) {
          rounded[i] = this == F16 ? Float16.toF16(numbers[i]) : Float16.toBf16(numbers[i]);
        }
        target.asShortBuffer().put(rounded);
        target.position(target.position() + Short.BYTES * rounded.length);
      }
      case F32 -> {
        target.asFloatBuffer().put(numbers);
        target.position(target.position() + Float.BYTES * numbers.length);
      }
      default -> throw new IllegalStateException(toString());
    }
  }
}
