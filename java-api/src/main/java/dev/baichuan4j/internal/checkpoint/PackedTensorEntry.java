package dev.baichuan4j.internal.checkpoint;

import java.util.Arrays;
import java.util.Objects;

/**
 * A tensor of a {@link PackedFile}.
 *
 * @param name as in the published checkpoint
 * @param kind how it is held
 * @param shape the sizes, outermost first
 * @param offset of its first byte in the file, a multiple of 64
 * @param bytes that it takes
 * @param checksum CRC32C of them
 * @param loss norm of what was lost when it was quantized or rounded over the norm of the numbers
 */
public record PackedTensorEntry(
    String name,
    PackedTensorKind kind,
    long[] shape,
    long offset,
    long bytes,
    int checksum,
    double loss) {
  /** Keeps its own copy of the shape. */
  public PackedTensorEntry {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(kind, "kind");
    shape = shape.clone();
  }

  /** Returns a copy of the sizes, outermost first. */
  @Override
  public long[] shape() {
    return shape.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PackedTensorEntry that
        && name.equals(that.name)
        && kind.equals(that.kind)
        && Arrays.equals(shape, that.shape)
        && offset == that.offset
        && bytes == that.bytes
        && checksum == that.checksum
        && Double.compare(loss, that.loss) == 0;
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, kind, Arrays.hashCode(shape), offset, bytes, checksum, loss);
  }

  @Override
  public String toString() {
    return name + " " + kind + Arrays.toString(shape) + " at " + offset;
  }
}
