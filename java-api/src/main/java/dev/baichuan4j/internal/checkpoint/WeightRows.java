package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.checkpoint.gguf.Float16;
import dev.baichuan4j.internal.files.FileBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads rows of a stored matrix as floats, whatever they are stored as. */
public final class WeightRows {
  private WeightRows() {}

  /**
   * Reads rows of a matrix.
   *
   * @param entry a matrix [N,K] of F32, F16, BF16 or codes
   * @param first the first row
   * @param count rows, of at most 2^31 bytes
   * @return [count,K]
   * @throws ModelFormatException if the file cannot be read or has become shorter
   */
  public static float[] read(TensorEntry entry, long first, int count) {
    int columns = Math.toIntExact(entry.shape()[1]);
    float[] numbers = new float[Math.multiplyExact(count, columns)];
    DType type = entry.isCoded() ? DType.F32 : entry.dtype();
    ByteBuffer bytes = bytes(entry, first, count, (long) columns * type.size());
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] =
          switch (type) {
            case F32 -> bytes.getFloat();
            case F16 -> Float16.ofF16(bytes.getShort());
            case BF16 -> Float.intBitsToFloat(bytes.getShort() << 16);
            default ->
                throw new ModelFormatException(
                    entry.file(), entry.name(), "F32, F16 or BF16", "dtype " + type);
          };
    }
    return numbers;
  }

  private static ByteBuffer bytes(TensorEntry entry, long first, int count, long rowBytes) {
    if (entry.rows().isPresent()) {
      ByteBuffer rows =
          ByteBuffer.allocate(Math.toIntExact(count * rowBytes)).order(ByteOrder.LITTLE_ENDIAN);
      entry.rows().get().read(first, count, true, rows);
      return rows.flip();
    }
    try (FileBytes file = FileBytes.open(entry.file())) {
      return file.read(entry.offset() + first * rowBytes, count * rowBytes, entry.name());
    }
  }

  /**
   * Appends numbers, each rounded once to a type, to the nearest, ties to even.
   *
   * @param type F32, F16 or BF16
   */
  public static void append(float[] numbers, DType type, ByteBuffer target) {
    for (float number : numbers) {
      switch (type) {
        case F32 -> target.putFloat(number);
        case F16 -> target.putShort(Float16.toF16(number));
        case BF16 -> target.putShort(Float16.toBf16(number));
        default -> throw new IllegalArgumentException("type " + type);
      }
    }
  }
}
