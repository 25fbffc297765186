package dev.baichuan4j.internal.checkpoint.quantized;

import java.util.Optional;

/** A way in which matrices of a checkpoint are stored as codes. */
public interface QuantizedForm {
  /** Returns the name of the form, as {@code quant_method} has it. */
  String name();

  /**
   * Looks for a module's matrix among the tensors of a checkpoint.
   *
   * @return the matrix, or empty where it is not stored as codes
   * @throws dev.baichuan4j.ModelFormatException if a part of it is missing, or has another type or
   *     shape than the matrix and the config ask for
   */
  Optional<QuantizedMatrix> matrix(StoredModule module);
}
