package dev.baichuan4j.internal.convert;

import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A tensor to be written.
 *
 * @param name in the target
 * @param shape the sizes, outermost first
 * @param kind how it is held there
 * @param rows its numbers
 * @param normalized whether rows are scaled to the length 1 before they are quantized in panels
 * @param copied the tensor whose bytes are taken over as they are, which are of the kind already
 */
record OutputTensor(
    String name,
    List<Long> shape,
    Kind kind,
    Rows rows,
    boolean normalized,
    Optional<TensorEntry> copied) {

  /** A tensor whose numbers are taken over as they are, or rounded. */
  static OutputTensor of(String name, Kind kind, Rows rows, long... shape) {
    return new OutputTensor(name, list(shape), kind, rows, false, Optional.empty());
  }

  static List<Long> list(long... shape) {
    return Arrays.stream(shape).boxed().toList();
  }

  long[] sizes() {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }
}
