package dev.baichuan4j.internal.convert;

import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
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
 * @param panels of {@link Kind#CODES}, how they are held
 * @param copied the tensor whose bytes are taken over as they are, which are of the kind already
 */
record OutputTensor(
    String name,
    List<Long> shape,
    Kind kind,
    Rows rows,
    boolean normalized,
    Optional<PackedTensorKind> panels,
    Optional<TensorEntry> copied) {

  /** A tensor whose numbers are taken over as they are, or rounded. */
  static OutputTensor of(String name, Kind kind, Rows rows, long... shape) {
    return new OutputTensor(
        name, list(shape), kind, rows, false, Optional.empty(), Optional.empty());
  }

  /** A matrix that is quantized. */
  static OutputTensor quantized(TensorSpec spec, Kind kind, Rows rows, boolean normalized) {
    return new OutputTensor(
        spec.name(),
        list(spec.shape()),
        kind,
        rows,
        normalized,
        Optional.empty(),
        Optional.empty());
  }

  /** A matrix of codes, which are packed as they are stored. */
  static OutputTensor codes(TensorSpec spec, PackedTensorKind panels, Rows rows) {
    return panels(spec, panels, rows, Optional.empty());
  }

  /** A matrix that is in panels already. */
  static OutputTensor copied(
      TensorSpec spec, PackedTensorKind panels, Rows rows, TensorEntry entry) {
    return panels(spec, panels, rows, Optional.of(entry));
  }

  private static OutputTensor panels(
      TensorSpec spec, PackedTensorKind panels, Rows rows, Optional<TensorEntry> copied) {
    return new OutputTensor(
        spec.name(), list(spec.shape()), Kind.CODES, rows, false, Optional.of(panels), copied);
  }

  /** How it is held in a packed file. */
  PackedTensorKind packed() {
    return panels.orElseGet(
        () ->
            switch (kind) {
              case ROW_SCALES -> PackedTensorKind.F32;
              case INT8, INT4, INT3, INT2 -> PackedTensorKind.of(kind.quant());
              default -> PackedTensorKind.of(kind.type());
            });
  }

  static List<Long> list(long... shape) {
    return Arrays.stream(shape).boxed().toList();
  }

  long[] sizes() {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }
}
