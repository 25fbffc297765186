package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.server.ApiException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Reads the fields of an object in a request. What has a wrong type, is out of its range or is
 * refused is an {@link ApiException} that names the field, as {@code messages[0].content}. A field
 * that is null counts as missing. Those that the shape does not have are ignored, and named in
 * {@link #ignored()}.
 */
final class Fields {
  private final Shape shape;
  private final ObjectNode object;
  private final String path; // empty for the request itself
  private final List<String> ignored; // of the whole request

  private Fields(Shape shape, ObjectNode object, String path, List<String> ignored) {
    this.shape = shape;
    this.object = object;
    this.path = path;
    this.ignored = ignored;
    for (Map.Entry<String, JsonNode> member : object.properties()) {
      String name = member.getKey();
      Optional<Shape.Field> field = shape.field(name);
      if (field.isEmpty()) {
        ignored.add(path(name));
      } else if (!member.getValue().isNull() && field.get().isRefused(member.getValue())) {
        throw ApiException.invalid(
            path(name), path(name) + " is not supported: " + field.get().refusal());
      }
    }
  }

  /** Reads a request. */
  static Fields of(Shape shape, ObjectNode request) {
    return new Fields(shape, request, "", new ArrayList<>());
  }

  /** Returns fields of the whole request that nobody knows, as far as they were met. */
  List<String> ignored() {
    return ignored;
  }

  /** Returns the full name of a field, for a message. */
  String path(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  /** Returns the value of a field that the shape has; empty where it is missing or null. */
  Optional<JsonNode> value(String name) {
    shape.known(name);
    return Optional.ofNullable(object.get(name)).filter(value -> !value.isNull());
  }

  boolean has(String name) {
    return value(name).isPresent();
  }

  Optional<Boolean> flag(String name) {
    return value(name)
        .map(
            value -> {
              if (!value.isBoolean()) {
                throw invalid(name, value, "true or false");
              }
              return value.booleanValue();
            });
  }

  boolean flag(String name, boolean otherwise) {
    return flag(name).orElse(otherwise);
  }

  OptionalDouble number(String name) {
    Optional<JsonNode> value = value(name);
    if (value.isEmpty()) {
      return OptionalDouble.empty();
    }
    JsonNode schema = shape.known(name).schema();
    String expected =
        schema.has("minimum") ? "a number in " + range(schema) : "a number"; // bounds are in pairs
    if (!value.get().isNumber()) {
      throw invalid(name, value.get(), expected);
    }
    double number = value.get().doubleValue();
    if (!Double.isFinite(number) || isOutside(schema, value.get().decimalValue())) {
      throw invalid(name, value.get(), expected);
    }
    return OptionalDouble.of(number);
  }

  private static boolean isOutside(JsonNode schema, BigDecimal number) {
    return schema.has("minimum")
        && (number.compareTo(schema.get("minimum").decimalValue()) < 0
            || number.compareTo(schema.get("maximum").decimalValue()) > 0);
  }

  private static String range(JsonNode schema) {
    return "[" + schema.get("minimum").asText() + ", " + schema.get("maximum").asText() + "]";
  }

  OptionalLong wholeNumber(String name) {
    Optional<JsonNode> value = value(name);
    if (value.isEmpty()) {
      return OptionalLong.empty();
    }
    JsonNode schema = shape.known(name).schema();
    OptionalLong number = wholeNumber(value.get());
    if (number.isEmpty() || isOutside(schema, BigDecimal.valueOf(number.getAsLong()))) {
      throw invalid(name, value.get(), "a whole number in " + range(schema));
    }
    return number;
  }

  /** A number without a fraction, which some clients write as 1.0; empty for anything else. */
  static OptionalLong wholeNumber(JsonNode value) {
    if (value.isIntegralNumber() && value.canConvertToLong()) {
      return OptionalLong.of(value.longValue());
    }
    if (!value.isBigDecimal() || Math.abs(value.doubleValue()) > 1L << 53) {
      return OptionalLong.empty();
    }
    double number = value.doubleValue();
    boolean whole = number == Math.rint(number);
    return whole && value.decimalValue().compareTo(BigDecimal.valueOf((long) number)) == 0
        ? OptionalLong.of((long) number)
        : OptionalLong.empty();
  }

  /** As {@link #wholeNumber(String)}, of a field whose range is within that of an int. */
  OptionalInt integer(String name) {
    OptionalLong number = wholeNumber(name);
    return number.isPresent()
        ? OptionalInt.of(Math.toIntExact(number.getAsLong()))
        : OptionalInt.empty();
  }

  Optional<String> text(String name) {
    Optional<JsonNode> value = value(name);
    if (value.isEmpty()) {
      return Optional.empty();
    }
    JsonNode values = shape.known(name).schema().get("enum");
    String expected = values == null ? "a text" : "one of " + Json.text(values);
    if (!value.get().isTextual()) {
      throw invalid(name, value.get(), expected);
    }
    if (values != null && !contains(values, value.get())) {
      throw invalid(name, value.get(), expected);
    }
    return Optional.of(value.get().textValue());
  }

  private static boolean contains(JsonNode values, JsonNode value) {
    for (JsonNode one : values) {
      if (one.equals(value)) {
        return true;
      }
    }
    return false;
  }

  String requiredText(String name) {
    return text(name).orElseThrow(() -> missing(name, "a text"));
  }

  /** Returns the text or the texts of a field that may have both. */
  List<String> texts(String name, int most) {
    Optional<JsonNode> value = value(name);
    if (value.isEmpty()) {
      return List.of();
    }
    if (value.get().isTextual()) {
      return List.of(value.get().textValue());
    }
    String expected = "a text or a list of up to " + most + " texts";
    if (!value.get().isArray() || value.get().size() > most) {
      throw invalid(name, value.get(), expected);
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode text : value.get()) {
      if (!text.isTextual()) {
        throw invalid(name + "[" + texts.size() + "]", text, "a text");
      }
      texts.add(text.textValue());
    }
    return texts;
  }

  /** Returns an object. */
  Optional<Fields> object(String name) {
    return value(name).map(value -> nested(name, shape.known(name).nested().orElseThrow(), value));
  }

  /** Returns the objects of a list; none where it is missing. */
  List<Fields> objects(String name) {
    Optional<JsonNode> value = value(name);
    if (value.isEmpty()) {
      return List.of();
    }
    if (!(value.get() instanceof ArrayNode list)) {
      throw invalid(name, value.get(), "a list of objects");
    }
    Shape nested = shape.known(name).nested().orElseThrow();
    List<Fields> objects = new ArrayList<>();
    for (JsonNode one : list) {
      objects.add(nested(name + "[" + objects.size() + "]", nested, one));
    }
    return objects;
  }

  /** Returns the fields of a value within this object, such as one of a list. */
  Fields nested(String name, Shape nested, JsonNode value) {
    if (!(value instanceof ObjectNode object)) {
      throw invalid(name, value, "an object");
    }
    return new Fields(nested, object, path(name), ignored);
  }

  ApiException missing(String name, String expected) {
    return ApiException.invalid(path(name), path(name) + " is missing, expected " + expected);
  }

  ApiException invalid(String name, JsonNode found, String expected) {
    return invalid(name, Json.kind(found), expected);
  }

  /** Returns the refusal of a field in the usual form. */
  ApiException invalid(String name, String found, String expected) {
    return ApiException.invalid(
        path(name), path(name) + " has " + found + ", expected " + expected);
  }
}
