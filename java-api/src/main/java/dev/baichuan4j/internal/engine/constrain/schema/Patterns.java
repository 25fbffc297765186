package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.Regex;

/** The patterns of a schema, which match anywhere in a text. */
final class Patterns {
  private Patterns() {}

  static Regex search(String pattern, SchemaNode node, String keyword) {
    try {
      return Automata.pattern(pattern);
    } catch (InvalidRequestException e) {
      throw node.unsupported(keyword, e.getMessage());
    }
  }
}
