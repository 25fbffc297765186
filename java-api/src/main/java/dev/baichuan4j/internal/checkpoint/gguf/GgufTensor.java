package dev.baichuan4j.internal.checkpoint.gguf;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/**
 * Where a tensor of a file lies.
 *
 * @param name its name in the file, such as {@code blk.0.attn_q.weight}
 * @param kind how its numbers are stored
 * @param shape the sizes, outermost first; a file has them the other way around
 * @param file that holds it
 * @param offset of the first byte in the file
 * @param bytes that it takes
 */
public record GgufTensor(
    String name, GgufKind kind, long[] shape, Path file, long offset, long bytes) {
  /** Keeps its own copy of the shape. */
  public GgufTensor {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(file, "file");
    shape = shape.clone();
  }

  /** Returns a copy of the sizes, outermost first. */
  @Override
  public long[] shape() {
    return shape.clone();
  }

  /** Returns the numbers of a row: the innermost size. */
  public long columns() {
    return shape[shape.length - 1];
  }

  /** Returns the bytes of a row. */
  long rowBytes() {
    return columns() / kind.blockSize() * kind.blockBytes();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GgufTensor that
        && name.equals(that.name)
        && kind == that.kind
        && Arrays.equals(shape, that.shape)
        && file.equals(that.file)
        && offset == that.offset
        && bytes == that.bytes;
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, kind, Arrays.hashCode(shape), file, offset, bytes);
  }

  @Override
  public String toString() {
    return name + " " + kind + Arrays.toString(shape) + " at " + offset;
  }
}
