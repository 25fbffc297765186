package dev.baichuan4j.internal.checkpoint.quantized;

import dev.baichuan4j.ModelFormatException;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A module whose matrix [N,K] may be stored as codes.
 *
 * @param name of the matrix without {@code .weight}
 * @param rows N
 * @param columns K
 * @param tensors of the checkpoint by their names; those of types that no form has are not there
 * @param constants that the file has besides, by their names
 */
public record StoredModule(
    String name,
    int rows,
    int columns,
    Map<String, RawTensor> tensors,
    Map<String, String> constants) {
  static final Set<Element> FLOATS = EnumSet.of(Element.F16, Element.BF16, Element.F32);
  static final Set<Element> WORDS = EnumSet.of(Element.I32);

  Optional<RawTensor> find(String part) {
    return Optional.ofNullable(tensors.get(name + "." + part));
  }

  /**
   * Returns a part that has to be there beside the codes.
   *
   * @throws ModelFormatException if it is not, or has another type or shape
   */
  RawTensor require(RawTensor codes, String part, Set<Element> types, long... shape) {
    return find(part)
        .orElseThrow(
            () ->
                new ModelFormatException(
                    codes.file(),
                    name + "." + part,
                    "a tensor beside " + codes.name() + " of a type that the form has",
                    "no entry"))
        .require(types, shape);
  }

  /**
   * Returns packed integers of 32-bit words.
   *
   * @param plusOne whether those that are stored are one too small
   */
  PackedIntegers packed(
      RawTensor codes,
      String part,
      PackedIntegers.Layout layout,
      long rows,
      int columns,
      int bits,
      boolean plusOne,
      Strips strips) {
    long[] shape =
        layout
            .shape(rows, columns, bits)
            .orElseThrow(
                () ->
                    codes.wrong(
                        "a matrix whose sizes fill 32-bit words with integers of " + bits + " bits",
                        rows + " rows of " + columns + " columns"));
    RawTensor tensor = require(codes, part, WORDS, shape);
    return new PackedIntegers(tensor, bits, columns, layout, plusOne, strips);
  }
}
