package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.server.ApiException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The parameters of a request, by name. One that is null counts as missing, because FastChat's
 * servers write so what nobody asked for. What has a wrong type is a {@link Refusal} that names it.
 */
final class Parameters {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private final ObjectNode object;

  private Parameters(ObjectNode object) {
    this.object = object;
  }

  /**
   * Reads the body of a request.
   *
   * @throws ApiException 400, if it is not one JSON object: no client of FastChat's sends that
   */
  static Parameters read(byte[] body) {
    JsonNode node;
    try {
      node = JSON.readTree(body);
    } catch (JsonProcessingException e) {
      throw ApiException.invalid("The body is not JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new UncheckedIOException(e); // an array of bytes does not fail
    }
    if (!(node instanceof ObjectNode object)) {
      throw ApiException.invalid("The body has " + kind(node) + ", expected a JSON object");
    }
    return new Parameters(object);
  }

  /**
   * Refuses names that nobody knows: what is accepted has an effect.
   *
   * @param known all names that there are
   */
  void requireKnown(Set<String> known) {
    for (String name : (Iterable<String>) object::fieldNames) {
      if (!known.contains(name) && value(name).isPresent()) {
        throw outOfRange(name + " is not a parameter of this worker, expected one of " + known);
      }
    }
  }

  Optional<JsonNode> value(String name) {
    return Optional.ofNullable(object.get(name)).filter(value -> !value.isNull());
  }

  String text(String name) {
    JsonNode value =
        value(name).orElseThrow(() -> wrongType(name + " is missing, expected a text"));
    if (!value.isTextual()) {
      throw wrongType(name, value, "a text");
    }
    return value.textValue();
  }

  double number(String name, double otherwise) {
    Optional<JsonNode> value = value(name);
    if (value.isEmpty()) {
      return otherwise;
    }
    if (!value.get().isNumber()) {
      throw wrongType(name, value.get(), "a number");
    }
    return value.get().doubleValue();
  }

  /** Returns a whole number, which may be written as 1.0. */
  OptionalInt integer(String name) {
    Optional<JsonNode> value = value(name);
    return value.isEmpty() ? OptionalInt.empty() : OptionalInt.of(integer(name, value.get()));
  }

  private static int integer(String name, JsonNode value) {
    double number = value.doubleValue();
    if (!value.isNumber() || number != Math.rint(number)) {
      throw wrongType(name, value, "a whole number");
    }
    if (Math.abs(number) > Integer.MAX_VALUE) {
      throw outOfRange(name + " has value " + kind(value) + ", expected a number of 32 bits");
    }
    return (int) number;
  }

  boolean flag(String name, boolean otherwise) {
    Optional<JsonNode> value = value(name);
    if (value.isEmpty()) {
      return otherwise;
    }
    if (!value.get().isBoolean()) {
      throw wrongType(name, value.get(), "true or false");
    }
    return value.get().booleanValue();
  }

  /** Returns the texts of a parameter that may be one text, or a list. */
  List<String> texts(String name) {
    Optional<JsonNode> value = value(name);
    if (value.isEmpty()) {
      return List.of();
    }
    if (value.get().isTextual()) {
      return List.of(value.get().textValue());
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode text : list(name, value.get(), "a text or a list of texts")) {
      if (!text.isTextual()) {
        throw wrongType(name + "[" + texts.size() + "]", text, "a text");
      }
      texts.add(text.textValue());
    }
    return texts;
  }

  int[] integers(String name) {
    Optional<JsonNode> value = value(name);
    if (value.isEmpty()) {
      return new int[0];
    }
    JsonNode list = list(name, value.get(), "a list of whole numbers");
    int[] integers = new int[list.size()];
    for (int i = 0; i < integers.length; i++) {
      integers[i] = integer(name + "[" + i + "]", list.get(i));
    }
    return integers;
  }

  private static JsonNode list(String name, JsonNode value, String expected) {
    if (!value.isArray()) {
      throw wrongType(name, value, expected);
    }
    return value;
  }

  static Refusal wrongType(String name, JsonNode found, String expected) {
    return wrongType(name + " has value " + kind(found) + ", expected " + expected);
  }

  static Refusal outOfRange(String name, Object found, String expected) {
    return outOfRange(name + " has value " + found + ", expected " + expected);
  }

  private static Refusal wrongType(String message) {
    return new Refusal(ErrorCode.VALIDATION_TYPE_ERROR, message);
  }

  private static Refusal outOfRange(String message) {
    return new Refusal(ErrorCode.PARAM_OUT_OF_RANGE, message);
  }

  /** What a value is, for a message. */
  private static String kind(JsonNode value) {
    int most = 60;
    String text =
        switch (value.getNodeType()) {
          case OBJECT -> "an object";
          case ARRAY -> "a list";
          case MISSING -> "nothing";
          default -> value.toString();
        };
    return text.length() <= most ? text : text.substring(0, most) + "...";
  }
}
