package dev.baichuan4j.internal.jinja;

import java.util.HashMap;
import java.util.Map;

/** Names of one block, before those of the blocks around it. */
final class Scope {
  private final Scope outer; // null for the names that a rendering is given
  private final Map<String, Object> names;

  Scope(Scope outer) {
    this(outer, new HashMap<>());
  }

  Scope(Scope outer, Map<String, Object> names) {
    this.outer = outer;
    this.names = names;
  }

  void set(String name, Object value) {
    names.put(name, value);
  }

  /** Returns the value of a name, or null. */
  Object get(String name) {
    for (Scope scope = this; scope != null; scope = scope.outer) {
      Object value = scope.names.get(name);
      if (value != null) {
        return value;
      }
    }
    return null;
  }
}
