package dev.baichuan4j.internal.checkpoint.quantized;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.FileBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;

/**
 * A tensor as a file stores it, which is a part of a matrix.
 *
 * @param name its name in the file
 * @param type its elements
 * @param shape its sizes, outermost first; not to be changed
 * @param file the file
 * @param offset of its first byte; all of its bytes are inside the file
 */
public record RawTensor(String name, Element type, long[] shape, Path file, long offset) {
  /** Bytes of a tensor that is read as a whole: scales and indices of one matrix. */
  private static final long MAX_WHOLE = 1 << 28;

  /** Returns the number of elements. */
  long elements() {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  /** Returns the number of bytes. */
  public long bytes() {
    return elements() * type.size();
  }

  /**
   * Checks what the tensor is.
   *
   * @throws ModelFormatException if it is another
   */
  RawTensor require(Set<Element> types, long... expected) {
    if (!types.contains(type)) {
      throw wrong("dtype " + types, "dtype " + type);
    }
    if (!Arrays.equals(shape, expected)) {
      throw wrong("shape " + Arrays.toString(expected), "shape " + Arrays.toString(shape));
    }
    return this;
  }

  /** Describes what is wrong with it. */
  ModelFormatException wrong(String expected, String found) {
    return new ModelFormatException(file, name, expected, found);
  }

  /**
   * Reads all of it.
   *
   * @throws ModelFormatException if the file has become shorter, or it is too large for that
   */
  ByteBuffer read() {
    if (bytes() > MAX_WHOLE) {
      throw wrong("at most " + MAX_WHOLE + " bytes", bytes() + " bytes");
    }
    try (FileBytes open = FileBytes.open(file)) {
      return open.read(offset, bytes(), name);
    }
  }

  /** Returns whether all of its elements are floating-point zeros. */
  public boolean isZero() {
    if (!type.isFloat()) {
      return false;
    }
    for (float number : type.numbers(read())) {
      if (number != 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Reads a part of a vector.
   *
   * @throws ModelFormatException if the file has become shorter
   */
  ByteBuffer range(long first, long count) {
    try (FileBytes open = FileBytes.open(file)) {
      return open.read(offset + first * type.size(), count * type.size(), name);
    }
  }

  /** Reads rows of a matrix. */
  ByteBuffer rows(long first, long count) {
    return range(first * shape[1], count * shape[1]);
  }

  /** Reads columns of a matrix: of each of its rows that part, one after the other. */
  ByteBuffer columns(long first, long count) {
    if (count == shape[1]) {
      return rows(0, shape[0]);
    }
    int bytes = Math.toIntExact(count * type.size());
    ByteBuffer all =
        ByteBuffer.allocate(Math.toIntExact(shape[0] * bytes)).order(ByteOrder.LITTLE_ENDIAN);
    try (FileBytes open = FileBytes.open(file)) {
      for (long row = 0; row < shape[0]; row++) {
        all.put(open.read(offset + (row * shape[1] + first) * type.size(), bytes, name));
      }
    }
    return all.flip();
  }
}
