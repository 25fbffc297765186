package dev.baichuan4j.internal.engine.constrain.schema;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Writes plain values as JSON; strings hold nothing that must be escaped. */
final class JsonText {
  private JsonText() {}

  static String write(Object value) {
    if (value instanceof Map<?, ?> map) {
      return map.entrySet().stream()
          .map(member -> "\"" + member.getKey() + "\":" + write(member.getValue()))
          .collect(Collectors.joining(",", "{", "}"));
    }
    if (value instanceof List<?> list) {
      return list.stream().map(JsonText::write).collect(Collectors.joining(",", "[", "]"));
    }
    return value instanceof String text
        ? "\"" + text + "\""
        : value instanceof BigDecimal number ? number.toPlainString() : value.toString();
  }
}
