package dev.baichuan4j.internal.engine.constrain.schema;

import java.util.Arrays;

/**
 * What is asked of one value: that it is valid by some places of the schema and invalid by others.
 * Interned by {@link Shapes}, so that equal ones are the same object.
 */
final class Ref {
  /** Every value. */
  static final Ref TRUE = new Ref(new int[0]);

  /** No value. */
  static final Ref FALSE = new Ref(null);

  static {
    TRUE.shape = Shape.ANYTHING;
    TRUE.inhabited = true;
    FALSE.shape = Shape.NOTHING;
    FALSE.inhabited = false;
  }

  private final int[] literals; // ascending: 2 * place, plus 1 where the place must be invalid
  Shape shape; // null until Shapes has expanded it
  boolean expanding;
  Boolean inhabited; // null until it is known

  Ref(int[] literals) {
    this.literals = literals;
  }

  int[] literals() {
    return literals;
  }

  @Override
  public String toString() {
    return Arrays.toString(literals);
  }
}
