package dev.baichuan4j.internal.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** Attributes that a template can set from inside of loops. */
final class Namespace {
  private final Map<String, Object> attributes = new LinkedHashMap<>();

  Object get(String name) {
    Object value = attributes.get(name);
    return value == null ? new Undefined("'namespace' has no attribute '" + name + "'") : value;
  }

  void set(String name, Object value) {
    attributes.put(name, value);
  }
}
