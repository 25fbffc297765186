package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Regex;
import java.util.List;

/**
 * What a value may be, as a union of alternatives of each type.
 *
 * @param literals the bits {@link #NULL}, {@link #FALSE}, {@link #TRUE} of the literals
 * @param numbers alternatives
 * @param strings the strings, without their quotes and escapes
 * @param arrays alternatives
 * @param objects alternatives
 */
record Shape(
    int literals,
    List<NumberSpec> numbers,
    Regex strings,
    List<ArraySpec> arrays,
    List<ObjectSpec> objects) {

  static final int NULL = 1;
  static final int FALSE = 2;
  static final int TRUE = 4;
  static final int ALL_LITERALS = NULL | FALSE | TRUE;

  static final Shape NOTHING = new Shape(0, List.of(), Regex.NOTHING, List.of(), List.of());
  static final Shape ANYTHING =
      new Shape(
          ALL_LITERALS,
          List.of(NumberSpec.ANY),
          Regex.ANY_TEXT,
          List.of(ArraySpec.ANY),
          List.of(ObjectSpec.ANY));

  Shape withLiterals(int others) {
    return new Shape(others, numbers, strings, arrays, objects);
  }

  Shape withNumbers(List<NumberSpec> others) {
    return new Shape(literals, others, strings, arrays, objects);
  }

  Shape withStrings(Regex others) {
    return new Shape(literals, numbers, others, arrays, objects);
  }

  Shape withArrays(List<ArraySpec> others) {
    return new Shape(literals, numbers, strings, others, objects);
  }

  Shape withObjects(List<ObjectSpec> others) {
    return new Shape(literals, numbers, strings, arrays, others);
  }
}
