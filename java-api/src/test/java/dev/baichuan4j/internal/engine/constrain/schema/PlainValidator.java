package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.json.JsonTree;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Says whether a value is valid by a schema, keyword by keyword, as draft 2020-12 words it. */
public final class PlainValidator {
  private PlainValidator() {}

  /** Whether a value, as JsonTree reads it, is valid. */
  public static boolean isValid(Object schema, Object value) {
    if (schema instanceof Boolean allowed) {
      return allowed;
    }
    Map<?, ?> keywords = (Map<?, ?>) schema;
    for (Map.Entry<?, ?> keyword : keywords.entrySet()) {
      if (!holds((String) keyword.getKey(), keyword.getValue(), keywords, value)) {
        return false;
      }
    }
    return true;
  }

  private static boolean holds(String keyword, Object of, Map<?, ?> schema, Object value) {
    boolean forAny =
        switch (keyword) {
          case "type" -> isOfType((String) of, value);
          case "const" -> equal(of, value);
          case "enum" -> ((List<?>) of).stream().anyMatch(each -> equal(each, value));
          case "allOf" -> count(of, value) == ((List<?>) of).size();
          case "anyOf" -> count(of, value) > 0;
          case "oneOf" -> count(of, value) == 1;
          case "not" -> !isValid(of, value);
          case "if" -> {
            Object branch = schema.get(isValid(of, value) ? "then" : "else");
            yield branch == null || isValid(branch, value);
          }
          default -> true;
        };
    if (!forAny) {
      return false;
    }
    if (value instanceof BigDecimal number) {
      return ofNumber(keyword, of, number);
    }
    if (value instanceof String text) {
      return ofString(keyword, of, text);
    }
    if (value instanceof List<?> list) {
      return ofArray(keyword, of, schema, list);
    }
    return !(value instanceof Map<?, ?> map) || ofObject(keyword, of, schema, map);
  }

  private static long count(Object schemas, Object value) {
    return ((List<?>) schemas).stream().filter(each -> isValid(each, value)).count();
  }

  private static boolean isOfType(String type, Object value) {
    return switch (type) {
      case "null" -> value == JsonTree.NULL;
      case "boolean" -> value instanceof Boolean;
      case "integer" ->
          value instanceof BigDecimal number && number.remainder(BigDecimal.ONE).signum() == 0;
      case "number" -> value instanceof BigDecimal;
      case "string" -> value instanceof String;
      case "array" -> value instanceof List<?>;
      default -> value instanceof Map<?, ?>;
    };
  }

  private static boolean equal(Object a, Object b) {
    if (a instanceof BigDecimal x && b instanceof BigDecimal y) {
      return x.compareTo(y) == 0;
    }
    if (a instanceof List<?> x && b instanceof List<?> y) {
      boolean equal = x.size() == y.size();
      for (int i = 0; equal && i < x.size(); i++) {
        equal = equal(x.get(i), y.get(i));
      }
      return equal;
    }
    if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
      return x.keySet().equals(y.keySet())
          && x.keySet().stream().allMatch(key -> equal(x.get(key), y.get(key)));
    }
    return a.equals(b);
  }

  private static boolean ofNumber(String keyword, Object of, BigDecimal value) {
    return switch (keyword) {
      case "minimum" -> value.compareTo((BigDecimal) of) >= 0;
      case "exclusiveMaximum" -> value.compareTo((BigDecimal) of) < 0;
      case "multipleOf" -> value.remainder((BigDecimal) of).signum() == 0;
      default -> true;
    };
  }

  private static boolean ofString(String keyword, Object of, String value) {
    return switch (keyword) {
      case "minLength" -> value.codePointCount(0, value.length()) >= intValue(of);
      case "maxLength" -> value.codePointCount(0, value.length()) <= intValue(of);
      case "pattern" -> Pattern.compile((String) of).matcher(value).find();
      default -> true;
    };
  }

  private static int intValue(Object number) {
    return ((BigDecimal) number).intValueExact();
  }

  private static boolean ofArray(String keyword, Object of, Map<?, ?> schema, List<?> value) {
    List<?> prefix = schema.get("prefixItems") instanceof List<?> list ? list : List.of();
    switch (keyword) {
      case "prefixItems" -> {
        for (int i = 0; i < Math.min(prefix.size(), value.size()); i++) {
          if (!isValid(prefix.get(i), value.get(i))) {
            return false;
          }
        }
        return true;
      }
      case "items" -> {
        return value.stream().skip(prefix.size()).allMatch(item -> isValid(of, item));
      }
      case "contains" -> {
        return value.stream().anyMatch(item -> isValid(of, item));
      }
      case "minItems" -> {
        return value.size() >= intValue(of);
      }
      case "maxItems" -> {
        return value.size() <= intValue(of);
      }
      case "uniqueItems" -> {
        for (int i = 0; i < value.size(); i++) {
          for (int j = 0; j < i; j++) {
            if (equal(value.get(i), value.get(j))) {
              return false;
            }
          }
        }
        return true;
      }
      default -> {
        return true;
      }
    }
  }

  private static boolean ofObject(String keyword, Object of, Map<?, ?> schema, Map<?, ?> value) {
    Map<?, ?> named = schema.get("properties") instanceof Map<?, ?> map ? map : Map.of();
    Map<?, ?> patterns = schema.get("patternProperties") instanceof Map<?, ?> map ? map : Map.of();
    return switch (keyword) {
      case "properties" ->
          named.entrySet().stream()
              .allMatch(
                  p ->
                      !value.containsKey(p.getKey())
                          || isValid(p.getValue(), value.get(p.getKey())));
      case "required" -> value.keySet().containsAll((List<?>) of);
      case "patternProperties" ->
          value.entrySet().stream()
              .allMatch(
                  member ->
                      patterns.entrySet().stream()
                          .allMatch(
                              p ->
                                  !matches(p.getKey(), member.getKey())
                                      || isValid(p.getValue(), member.getValue())));
      case "additionalProperties" ->
          value.entrySet().stream()
              .allMatch(
                  member ->
                      named.containsKey(member.getKey())
                          || patterns.keySet().stream().anyMatch(p -> matches(p, member.getKey()))
                          || isValid(of, member.getValue()));
      case "minProperties" -> value.size() >= intValue(of);
      case "maxProperties" -> value.size() <= intValue(of);
      default -> true;
    };
  }

  private static boolean matches(Object pattern, Object name) {
    return Pattern.compile((String) pattern).matcher((String) name).find();
  }
}
