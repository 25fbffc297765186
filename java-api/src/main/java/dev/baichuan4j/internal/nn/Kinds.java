package dev.baichuan4j.internal.nn;

import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import java.util.Map;

/**
 * The kind of each matrix.
 *
 * @param usual of the matrices that are not in {@code others}
 * @param others by name
 */
record Kinds(Quant usual, Map<String, PackedTensorKind> others) {
  PackedTensorKind of(TensorSpec matrix) {
    return others.getOrDefault(matrix.name(), PackedTensorKind.of(usual));
  }
}
