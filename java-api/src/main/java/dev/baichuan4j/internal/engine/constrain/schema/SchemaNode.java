package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.InvalidRequestException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One place of a schema, with readers of its keywords that say what is wrong with them. */
final class SchemaNode {
  private final SchemaDocument document;
  private final int number;
  private final Object json; // a map or a boolean
  private final String pointer;
  private final String base;
  Shape shape; // null until Shapes has made it
  Shape opposite;
  boolean expanding;

  SchemaNode(SchemaDocument document, int number, Object json, String pointer, String base) {
    this.document = document;
    this.number = number;
    this.json = json;
    this.pointer = pointer;
    this.base = base;
  }

  int number() {
    return number;
  }

  String pointer() {
    return pointer;
  }

  String base() {
    return base;
  }

  Draft draft() {
    return document.draft();
  }

  SchemaDocument document() {
    return document;
  }

  /** Whether the place is {@code true} or {@code false}; null if it is an object. */
  Boolean bool() {
    return json instanceof Boolean b ? b : null;
  }

  Map<?, ?> keywords() {
    return (Map<?, ?>) json;
  }

  boolean has(String keyword) {
    return keywords().containsKey(keyword);
  }

  Object get(String keyword) {
    return keywords().get(keyword);
  }

  String at(String keyword) {
    return pointer + "/" + SchemaDocument.escape(keyword);
  }

  /** The schema that a keyword holds. */
  SchemaNode child(String keyword) {
    return document.node(get(keyword), at(keyword), base);
  }

  /** The place that a keyword names. */
  SchemaNode target(String keyword) {
    return document.resolve(this, keyword, string(keyword));
  }

  /** The schemas that a keyword lists. */
  List<SchemaNode> children(String keyword) {
    List<?> list = list(keyword);
    List<SchemaNode> children = new ArrayList<>(list.size());
    for (int i = 0; i < list.size(); i++) {
      children.add(document.node(list.get(i), at(keyword) + "/" + i, base));
    }
    return children;
  }

  /** The schemas that a keyword holds by name. */
  Map<String, SchemaNode> named(String keyword) {
    Map<String, SchemaNode> children = new LinkedHashMap<>();
    if (has(keyword)) {
      if (!(get(keyword) instanceof Map<?, ?> map)) {
        throw malformed(keyword, "an object of schemas");
      }
      map.forEach(
          (name, value) -> children.put((String) name, named(keyword, (String) name, value)));
    }
    return children;
  }

  SchemaNode named(String keyword, String name, Object value) {
    return document.node(value, at(keyword) + "/" + SchemaDocument.escape(name), base);
  }

  /** A place that asks for one value. */
  SchemaNode constant(Object value, String keyword) {
    return document.constant(value, at(keyword), base);
  }

  List<?> list(String keyword) {
    if (get(keyword) instanceof List<?> list) {
      return list;
    }
    throw malformed(keyword, "an array");
  }

  String string(String keyword) {
    if (get(keyword) instanceof String text) {
      return text;
    }
    throw malformed(keyword, "a string");
  }

  BigDecimal number(String keyword) {
    if (get(keyword) instanceof BigDecimal value) {
      return value;
    }
    throw malformed(keyword, "a number");
  }

  /** A count, or what stands for an absent one. Counts beyond an int are as good as unbounded. */
  int count(String keyword, int absent) {
    if (!has(keyword)) {
      return absent;
    }
    BigDecimal value = number(keyword);
    if (value.signum() < 0 || value.stripTrailingZeros().scale() > 0) {
      throw malformed(keyword, "a whole number of at least 0");
    }
    return value.precision() - value.scale() > 9 ? Integer.MAX_VALUE : value.intValue();
  }

  List<String> strings(String keyword) {
    return strings(keyword, get(keyword));
  }

  List<String> strings(String keyword, Object value) {
    List<String> strings = new ArrayList<>();
    if (value instanceof List<?> list) {
      for (Object element : list) {
        if (!(element instanceof String text)) {
          throw malformed(keyword, "an array of strings");
        }
        strings.add(text);
      }
      return strings;
    }
    throw malformed(keyword, "an array of strings");
  }

  InvalidRequestException malformed(String keyword, String expected) {
    return SchemaProblem.malformed(keyword, pointer, get(keyword), expected);
  }

  InvalidRequestException unsupported(String keyword, String why) {
    return SchemaProblem.unsupported(keyword, pointer, why);
  }
}
