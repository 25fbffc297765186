package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.PathProblem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;

/**
 * Where a tensor's bytes lie: row-major, little-endian, contiguous; or, with {@code rows}, by what
 * it is read.
 *
 * @param name the tensor's name, such as {@code model.norm.weight}
 * @param dtype the element type; with {@code rows}, the type that its numbers are held in
 * @param shape the sizes, outermost first; empty for a scalar
 * @param file the file that holds the bytes
 * @param offset the first byte's offset in the file; any alignment
 * @param bytes the length in bytes: elements times element size, but for codes
 * @param rows what reads it, where its bytes are not what ops take
 */
public record TensorEntry(
    String name,
    DType dtype,
    long[] shape,
    Path file,
    long offset,
    long bytes,
    Optional<StoredRows> rows) {

  /** Bits of a stored code up to which q4, which has 4.5, is nearer than q8, which has 8.5. */
  private static final double MOST_BITS_OF_Q4 = 5;

  private static final double MOST_BITS_OF_Q8 = 16;

  /** Describes a tensor whose bytes are taken as they lie. */
  public TensorEntry(String name, DType dtype, long[] shape, Path file, long offset, long bytes) {
    this(name, dtype, shape, file, offset, bytes, Optional.empty());
  }

  /** Keeps its own copy of the shape. */
  public TensorEntry {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(dtype, "dtype");
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(rows, "rows");
    shape = shape.clone();
  }

  /** Returns a copy of the sizes, outermost first. */
  @Override
  public long[] shape() {
    return shape.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorEntry that
        && name.equals(that.name)
        && dtype == that.dtype
        && Arrays.equals(shape, that.shape)
        && file.equals(that.file)
        && offset == that.offset
        && bytes == that.bytes
        && rows.equals(that.rows);
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, dtype, Arrays.hashCode(shape), file, offset, bytes, rows);
  }

  @Override
  public String toString() {
    return name + " " + dtype + Arrays.toString(shape) + " at " + file + "+" + offset;
  }

  /** Returns whether its numbers are codes. */
  public boolean isCoded() {
    return rows.isPresent() && rows.get().isCoded();
  }

  /**
   * Returns the panels that hold codes as they are stored: in a format of their own where there is
   * one for them, else in the nearer of q8 and q4; empty where numbers are held one by one.
   */
  public Optional<PackedTensorKind> panels() {
    if (!isCoded()) {
      return Optional.empty();
    }
    Optional<StoredCodes> codes = rows.orElseThrow().codes();
    if (codes.isPresent()) {
      return codes.map(stored -> PackedTensorKind.of(stored.format()));
    }
    double bits = 8.0 * bytes / (shape[0] * shape[1]);
    if (bits >= MOST_BITS_OF_Q8) {
      return Optional.empty(); // a sum of numbers
    }
    return Optional.of(bits <= MOST_BITS_OF_Q4 ? PackedTensorKind.Q4 : PackedTensorKind.Q8);
  }

  /**
   * Fills what is left of a buffer with bytes as they lie.
   *
   * @param from the first byte, counted from where the tensor begins
   * @throws ModelFormatException if the file cannot be read or has become shorter
   */
  public void readBytes(long from, ByteBuffer target) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long at = offset + from;
      while (target.hasRemaining()) {
        int read = channel.read(target, at);
        if (read < 0) {
          throw new ModelFormatException(
              file, name, "a file that nobody shortens while it is read", "an early end");
        }
        at += read;
      }
    } catch (IOException e) {
      throw PathProblem.unreadable(file, name, "a readable file", e);
    }
  }

  /**
   * Multiplies sizes.
   *
   * @throws ArithmeticException if the product does not fit 63 bits or a size is negative
   */
  static long elements(long[] shape) {
    long product = 1;
    for (long size : shape) {
      if (size < 0) {
        throw new ArithmeticException("negative size");
      }
      product = Math.multiplyExact(product, size);
    }
    return product;
  }
}
