package dev.baichuan4j.internal.checkpoint.quantized;

import java.util.Map;
import java.util.Optional;

/** A way in which matrices of a checkpoint are stored as codes. */
public interface QuantizedForm {
  /** Returns the name of the form, as {@code quant_method} has it. */
  String name();

  /**
   * Looks for a matrix among the tensors of a checkpoint.
   *
   * @param module its name without {@code .weight}
   * @param rows N
   * @param columns K
   * @param tensors of the checkpoint by their names; those of types that no form has are not there
   * @param constants that the file has besides, by their names
   * @return the matrix, or empty where it is not stored as codes
   * @throws dev.baichuan4j.ModelFormatException if a part of it is missing, or has another type or
   *     shape than the matrix and the config ask for
   */
  Optional<QuantizedMatrix> matrix(
      String module,
      int rows,
      int columns,
      Map<String, RawTensor> tensors,
      Map<String, String> constants);
}
