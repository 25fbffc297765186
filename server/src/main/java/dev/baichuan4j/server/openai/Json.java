package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.server.ApiException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;

/**
 * JSON as RFC 8259 has it and nothing beside: UTF-8, every name once in an object, no numbers that
 * are none. Numbers keep all of their digits.
 */
final class Json {
  /** The levels that a JSON Schema may have, and some around it. */
  private static final int MOST_LEVELS = 300;

  private static final JsonMapper MAPPER = mapper();

  private Json() {}

  private static JsonMapper mapper() {
    JsonMapper mapper =
        JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .nodeFactory(JsonNodeFactory.withExactBigDecimals(true))
            .build();
    mapper
        .getFactory()
        .setStreamReadConstraints(
            StreamReadConstraints.builder()
                .maxNestingDepth(MOST_LEVELS)
                .maxStringLength(Integer.MAX_VALUE) // the server bounds the whole body
                .build());
    return mapper;
  }

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /**
   * Reads a text of this program's own, such as a resource.
   *
   * @throws IllegalArgumentException if it is no JSON
   */
  static JsonNode own(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /** Returns the members of an object as the values that Java has for them. */
  static Map<String, Object> values(JsonNode object) {
    return MAPPER.convertValue(object, new TypeReference<Map<String, Object>>() {});
  }

  /**
   * Reads the body of a request.
   *
   * @throws ApiException 400, if it is not one JSON object
   */
  static ObjectNode read(byte[] body) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
    } catch (CharacterCodingException e) {
      throw ApiException.invalid("body has bytes that are not UTF-8, expected JSON in UTF-8");
    }
    JsonNode node;
    try (JsonParser parser = MAPPER.createParser(text)) {
      node = MAPPER.readTree(parser);
      if (node != null && parser.nextToken() != null) {
        throw ApiException.invalid("body has text behind a JSON value, expected one JSON object");
      }
    } catch (JsonProcessingException e) {
      throw ApiException.invalid("body is not JSON: " + problem(e));
    } catch (NumberFormatException e) {
      throw ApiException.invalid("body has a number whose exponent is too long, expected fewer");
    } catch (java.io.IOException e) {
      throw new IllegalStateException(e); // a String does not fail
    }
    if (!(node instanceof ObjectNode object)) {
      throw ApiException.invalid(
          "body has " + (node == null ? "nothing" : kind(node)) + ", expected a JSON object");
    }
    requireCharacters(object);
    return object;
  }

  private static String problem(JsonProcessingException e) {
    String at =
        e.getLocation() == null
            ? ""
            : " (line "
                + e.getLocation().getLineNr()
                + ", column "
                + e.getLocation().getColumnNr()
                + ")";
    return shortened(e.getOriginalMessage().lines().findFirst().orElse("")) + at;
  }

  /** Half of a pair of surrogates is no character, and has no form in UTF-8. */
  private static void requireCharacters(JsonNode root) {
    Deque<JsonNode> nodes = new ArrayDeque<>();
    nodes.add(root);
    while (!nodes.isEmpty()) {
      JsonNode node = nodes.poll();
      if (node.isTextual()) {
        requireCharacters(node.textValue());
      } else if (node.isObject()) {
        for (Map.Entry<String, JsonNode> member : node.properties()) {
          requireCharacters(member.getKey());
          nodes.add(member.getValue());
        }
      } else {
        node.forEach(nodes::add);
      }
    }
  }

  private static void requireCharacters(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (!pair) {
        throw ApiException.invalid(
            String.format("body has the surrogate \\u%04x alone, expected characters", (int) c));
      }
      i++;
    }
  }

  /** What a value is, for a message; its text where that is short. */
  static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> "an object";
      case ARRAY -> "a list";
      case STRING -> "\"" + shortened(node.textValue()) + "\"";
      default -> shortened(node.asText());
    };
  }

  private static String shortened(String text) {
    int most = 60;
    return text.length() <= most ? text : text.substring(0, most) + "...";
  }

  static String text(JsonNode node) {
    try {
      return MAPPER.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // a tree has a text
    }
  }

  static byte[] bytes(JsonNode node) {
    try {
      return MAPPER.writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
