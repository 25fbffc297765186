package dev.baichuan4j.internal.jinja;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The fixtures of templates, and JSON as the values of a template. */
final class Json {
  static final ObjectMapper MAPPER = new ObjectMapper();

  /** The time that make.py tells templates. */
  static final LocalDateTime NOW = LocalDateTime.of(2026, 3, 5, 14, 7, 9);

  static final Path FOLDER =
      Path.of(System.getProperty("baichuan4j.root", "..")).resolve("src/test/fixtures/templates");

  private Json() {}

  static JsonNode read(String file) throws IOException {
    return MAPPER.readTree(FOLDER.resolve(file).toFile());
  }

  static Map<String, Object> variables(JsonNode members) {
    Map<String, Object> variables = new LinkedHashMap<>();
    members.properties().forEach(e -> variables.put(e.getKey(), value(e.getValue())));
    return variables;
  }

  private static Object value(JsonNode node) {
    if (node.isTextual()) {
      return Text.given(node.textValue());
    } else if (node.isBoolean()) {
      return node.booleanValue();
    } else if (node.isIntegralNumber()) {
      return node.longValue();
    } else if (node.isNumber()) {
      return node.doubleValue();
    } else if (node.isArray()) {
      List<Object> items = new ArrayList<>();
      node.forEach(item -> items.add(value(item)));
      return items;
    } else if (node.isObject()) {
      Map<Object, Object> map = new LinkedHashMap<>();
      node.properties().forEach(e -> map.put(Text.given(e.getKey()), value(e.getValue())));
      return map;
    }
    return None.NONE;
  }
}
