package dev.baichuan4j.internal.engine.constrain.schema;

import java.util.Map;

/** The edition of JSON Schema that {@code $schema} names; the newest where it names none. */
enum Draft {
  FOUR,
  SIX,
  SEVEN,
  Y2019,
  Y2020;

  static Draft of(Object root) {
    if (root instanceof Map<?, ?> map && map.get("$schema") instanceof String name) {
      if (name.contains("draft-04") || name.contains("draft-03")) {
        return FOUR;
      }
      if (name.contains("draft-06")) {
        return SIX;
      }
      if (name.contains("draft-07")) {
        return SEVEN;
      }
      if (name.contains("2019-09")) {
        return Y2019;
      }
    }
    return Y2020;
  }

  /** Whether {@code $ref} makes all keywords beside it void. */
  boolean refAlone() {
    return compareTo(SEVEN) <= 0;
  }
}
