package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The fields of an object in a request: of each its JSON Schema and its meaning. {@link Fields}
 * reads by it, and /openapi.json shows it. Built once, and not changed afterwards.
 */
final class Shape {
  /**
   * A field.
   *
   * @param schema its JSON Schema, with the meaning as its description
   * @param nested what its objects have, or those of its list
   * @param refusal why no value is accepted; empty where values are
   * @param harmless a value that is accepted all the same, because it asks for what is done anyway
   */
  record Field(
      ObjectNode schema, Optional<Shape> nested, String refusal, Optional<JsonNode> harmless) {
    boolean isRefused(JsonNode value) {
      return !refusal.isEmpty() && !harmless.filter(value::equals).isPresent();
    }
  }

  private final Map<String, Field> fields = new LinkedHashMap<>();
  private final ArrayNode required = Json.object().arrayNode();

  /** Returns a shape without fields. */
  static Shape object() {
    return new Shape();
  }

  Shape number(String name, double least, double most, String meaning) {
    ObjectNode schema = type("number");
    schema.put("minimum", BigDecimal.valueOf(least)).put("maximum", BigDecimal.valueOf(most));
    return add(name, schema, meaning);
  }

  /** A number without bounds of its own. */
  Shape number(String name, String meaning) {
    return add(name, type("number"), meaning);
  }

  Shape integer(String name, long least, long most, String meaning) {
    ObjectNode schema = type("integer");
    schema.put("minimum", least).put("maximum", most);
    return add(name, schema, meaning);
  }

  Shape flag(String name, String meaning) {
    return add(name, type("boolean"), meaning);
  }

  Shape text(String name, String meaning) {
    return add(name, type("string"), meaning);
  }

  /** A text that is one of some. */
  Shape choice(String name, List<String> values, String meaning) {
    ObjectNode schema = type("string");
    ArrayNode list = schema.putArray("enum");
    values.forEach(list::add);
    return add(name, schema, meaning);
  }

  Shape object(String name, Shape nested, String meaning) {
    return add(name, nested.schema(), Optional.of(nested), meaning);
  }

  Shape objects(String name, Shape nested, String meaning) {
    ObjectNode schema = type("array");
    schema.set("items", nested.schema());
    return add(name, schema, Optional.of(nested), meaning);
  }

  /** A field whose values have several types, or any: code of its own reads it. */
  Shape any(String name, String schema, String meaning) {
    return add(name, (ObjectNode) Json.own(schema), meaning);
  }

  /** The field that was added last has to be there. */
  Shape required() {
    String last = null;
    for (String name : fields.keySet()) {
      last = name;
    }
    required.add(last);
    return this;
  }

  /**
   * A field that is known, and has no effect on any answer by its own definition.
   *
   * @param meaning what it is for elsewhere
   */
  Shape unused(String name, String meaning) {
    return add(name, Json.object(), meaning + ". Accepted; has no effect on an answer.");
  }

  /**
   * A field that is known, and refused.
   *
   * @param reason why, as a sentence that says what to do instead
   */
  Shape refused(String name, String reason) {
    return refused(name, null, reason);
  }

  /** A field that is refused unless it has a value that asks for what is done anyway. */
  Shape refused(String name, JsonNode harmless, String reason) {
    fields.put(
        name, new Field(Json.object(), Optional.empty(), reason, Optional.ofNullable(harmless)));
    return this;
  }

  /** All fields of another shape too. */
  Shape with(Shape other) {
    fields.putAll(other.fields);
    return this;
  }

  private Shape add(String name, ObjectNode schema, String meaning) {
    return add(name, schema, Optional.empty(), meaning);
  }

  private Shape add(String name, ObjectNode schema, Optional<Shape> nested, String meaning) {
    String more = schema.path("description").asText("");
    schema.put("description", more.isEmpty() ? meaning : meaning + " " + more);
    fields.put(name, new Field(schema, nested, "", Optional.empty()));
    return this;
  }

  private static ObjectNode type(String name) {
    return Json.object().put("type", name);
  }

  Optional<Field> field(String name) {
    return Optional.ofNullable(fields.get(name));
  }

  /** Returns the field of a name that this program knows to be there. */
  Field known(String name) {
    return field(name).orElseThrow(() -> new IllegalArgumentException("no field " + name));
  }

  /** Returns a JSON Schema of the objects that are accepted. */
  ObjectNode schema() {
    ObjectNode schema = type("object");
    ObjectNode properties = schema.putObject("properties");
    fields.forEach(
        (name, field) -> {
          if (field.refusal.isEmpty()) {
            properties.set(name, field.schema.deepCopy());
          }
        });
    String refused =
        fields.entrySet().stream()
            .filter(field -> !field.getValue().refusal.isEmpty())
            .map(field -> field.getKey() + ": " + field.getValue().refusal)
            .collect(Collectors.joining(" "));
    if (!refused.isEmpty()) {
      schema.put("description", "Refused by name: " + refused);
    }
    if (!required.isEmpty()) {
      schema.set("required", required.deepCopy());
    }
    return schema;
  }
}
