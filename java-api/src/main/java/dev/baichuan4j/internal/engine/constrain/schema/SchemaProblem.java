package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.InvalidRequestException;

/** What is wrong with a schema, with its place as a JSON pointer. */
final class SchemaProblem {
  private SchemaProblem() {}

  /** A keyword that cannot be enforced. */
  static InvalidRequestException unsupported(String keyword, String pointer, String why) {
    return new InvalidRequestException(
        "schema",
        "schema has the keyword "
            + keyword
            + " at "
            + pointer
            + ", which cannot be enforced: "
            + why);
  }

  /** A keyword whose value is not what it may be. */
  static InvalidRequestException malformed(
      String keyword, String pointer, Object found, String expected) {
    String text = String.valueOf(found);
    return new InvalidRequestException(
        "schema",
        "schema has the keyword "
            + keyword
            + " at "
            + pointer
            + " with value "
            + (text.length() > 80 ? text.substring(0, 80) + "..." : text)
            + ", expected "
            + expected);
  }
}
