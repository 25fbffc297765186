package dev.baichuan4j.internal.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What a function, filter or test is called with. */
record Arguments(List<Object> positional, Map<String, Object> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  Arguments with(String name, Object value) {
    Map<String, Object> more = new LinkedHashMap<>(named);
    more.put(name, value);
    return new Arguments(positional, more);
  }

  /** Checks that there are no others than of these names, in this order where they have none. */
  Arguments check(String... names) {
    if (positional.size() > names.length) {
      throw TemplateException.failed(
          positional.size() + " arguments, expected at most " + names.length);
    }
    Set<String> known = Set.of(names);
    for (String name : named.keySet()) {
      if (!known.contains(name)) {
        throw TemplateException.failed("unexpected argument '" + name + "'");
      }
    }
    return this;
  }

  /** Returns the argument of a place or name. */
  Optional<Object> get(int place, String name) {
    return place < positional.size()
        ? Optional.of(positional.get(place))
        : Optional.ofNullable(named.get(name));
  }

  Object require(int place, String name) {
    return get(place, name)
        .orElseThrow(() -> TemplateException.failed("missing argument '" + name + "'"));
  }

  /** Returns a text, or null where there is none or it is None. */
  Text text(int place, String name) {
    Object value = get(place, name).orElse(None.NONE);
    if (value instanceof Text || value == None.NONE) {
      return value instanceof Text text ? text : null;
    }
    throw wrong(name, value, "a string");
  }

  Text requireText(int place, String name) {
    Object value = require(place, name);
    if (value instanceof Text text) {
      return text;
    }
    throw wrong(name, value, "a string");
  }

  long integer(int place, String name, long otherwise) {
    Object value = get(place, name).orElse(otherwise);
    if (value instanceof Long integer) {
      return integer;
    }
    if (value instanceof Boolean is) {
      return is ? 1 : 0;
    }
    throw wrong(name, value, "an integer");
  }

  boolean truth(int place, String name, boolean otherwise) {
    return get(place, name).map(Values::truth).orElse(otherwise);
  }

  private static TemplateException wrong(String name, Object value, String expected) {
    return TemplateException.failed(
        "argument '" + name + "' is " + Values.typeName(value) + ", expected " + expected);
  }
}
