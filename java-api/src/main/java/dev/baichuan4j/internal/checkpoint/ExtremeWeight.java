package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.FileBytes;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * A weight that is NaN, infinite or too large, and where it is.
 *
 * @param index its index in the tensor, outermost first
 * @param value the weight
 */
public record ExtremeWeight(long[] index, float value) {
  private static final int CHUNK = 1 << 20;

  /**
   * Reads a tensor from its file and returns the first NaN or infinite weight, or else the one of
   * largest magnitude, if that is above a limit.
   *
   * @throws ModelFormatException if the file cannot be read, or the tensor is not F32, F16 or BF16
   */
  public static Optional<ExtremeWeight> find(TensorEntry tensor, float limit) {
    int size = tensor.dtype().size();
    long at = -1;
    float worst = limit;
    try (FileBytes file = FileBytes.open(tensor.file())) {
      for (long offset = 0; offset < tensor.bytes(); offset += CHUNK) {
        long bytes = Math.min(CHUNK, tensor.bytes() - offset);
        ByteBuffer chunk = file.read(tensor.offset() + offset, bytes, tensor.name());
        for (int i = 0; i < bytes; i += size) {
          float value = value(tensor, chunk, i);
          if (!Float.isFinite(value)) {
            return Optional.of(at(tensor, (offset + i) / size, value));
          }
          if (Math.abs(value) > Math.abs(worst)) {
            worst = value;
            at = (offset + i) / size;
          }
        }
      }
    }
    return at < 0 ? Optional.empty() : Optional.of(at(tensor, at, worst));
  }

  private static float value(TensorEntry tensor, ByteBuffer bytes, int at) {
    if (tensor.dtype() == DType.F32) {
      return bytes.getFloat(at);
    }
    if (tensor.dtype() == DType.BF16) {
      return Float.intBitsToFloat(bytes.getShort(at) << 16);
    }
    if (tensor.dtype() == DType.F16) {
      return ofF16(bytes.getShort(at));
    }
    throw new ModelFormatException(
        tensor.file(), tensor.name(), "F32, F16 or BF16", "dtype " + tensor.dtype());
  }

  /** What Float.float16ToFloat does in Java 20. */
  private static float ofF16(short bits) {
    int exponent = bits >> 10 & 31;
    int mantissa = bits & 1023;
    float magnitude =
        exponent == 31
            ? mantissa == 0 ? Float.POSITIVE_INFINITY : Float.NaN
            : exponent == 0
                ? mantissa * 0x1p-24f
                : (1024 + mantissa) * Math.scalb(1f, exponent - 25);
    return bits < 0 ? -magnitude : magnitude;
  }

  private static ExtremeWeight at(TensorEntry tensor, long element, float value) {
    long[] shape = tensor.shape();
    long[] index = new long[shape.length];
    for (int i = shape.length - 1; i >= 0; i--) {
      index[i] = element % shape[i];
      element /= shape[i];
    }
    return new ExtremeWeight(index, value);
  }

  @Override
  public String toString() {
    return format(value) + " at " + Arrays.toString(index);
  }

  /** Five digits, the same on every JDK. */
  public static String format(float value) {
    return String.format(Locale.ROOT, "%.5g", value);
  }
}
