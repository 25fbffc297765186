package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Requests that are wrong in one way each, drawn from a seed: bodies that are no JSON, values that
 * /openapi.json does not allow, and headers that no endpoint takes.
 */
final class BadRequests {
  /**
   * A request.
   *
   * @param kind what is wrong with it, for a message
   */
  record Request(String kind, String method, String path, String contentType, byte[] body) {}

  private static final Map<String, String> VALID =
      Map.of(
          "/v1/chat/completions",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":1}",
          "/v1/completions",
          "{\"prompt\":\"a\",\"max_tokens\":1}",
          "/v1/responses",
          "{\"input\":\"a\",\"max_output_tokens\":1}",
          "/v1/embeddings",
          "{\"input\":\"a\"}",
          "/v1/rerank",
          "{\"query\":\"a\",\"documents\":[\"b\"]}",
          "/tokenize",
          "{\"prompt\":\"a\"}",
          "/detokenize",
          "{\"tokens\":[5]}");

  private static final List<String> PATHS = VALID.keySet().stream().sorted().toList();

  private static final String[] NUMBERS = {
    "1e400", "-1e400", "1e99999", "1e-99999", "-0.5", "99999999999999999999999999", "0.5"
  };

  private final Random random;
  private final JsonNode document;

  /**
   * @param document what /openapi.json says
   */
  BadRequests(long seed, JsonNode document) {
    this.random = new Random(seed);
    this.document = document;
  }

  private <T> T one(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  Request next() {
    String path = one(PATHS);
    return switch (random.nextInt(10)) {
      case 0, 1 -> post("no JSON", path, noJson(VALID.get(path)));
      case 2 -> post("no UTF-8", path, noUtf8(VALID.get(path)));
      case 3 -> message();
      case 4 -> header(path);
      default -> value(path);
    };
  }

  private static Request post(String kind, String path, byte[] body) {
    return new Request(kind, "POST", path, "application/json", body);
  }

  private static Request post(String kind, String path, String body) {
    return post(kind, path, body.getBytes(StandardCharsets.UTF_8));
  }

  private String noJson(String valid) {
    int at = 1 + random.nextInt(valid.length() - 1);
    return switch (random.nextInt(9)) {
      case 0 -> valid.substring(0, at); // a part of an object is none
      case 1 -> valid + one(List.of("x", "}", "{}", ",", "\0"));
      case 2 -> valid.replaceFirst("\\{", "{\"a\":" + "[".repeat(random.nextInt(3000) + 301));
      case 3 -> valid.replaceFirst("\\{", "{\"a\":1,\"a\":" + random.nextInt() + ",");
      case 4 -> valid.replaceFirst("\\{", "{\"a\":" + one(List.of("NaN", "01", "'b'", "+1")) + ",");
      case 5 -> valid.replaceFirst("\\{", "{\"\\\\ud8" + (10 + random.nextInt(80)) + "\":1,");
      case 6 -> valid.replaceFirst("\\{", "{\"a\":1" + "7".repeat(1001) + ",");
      case 7 -> valid.replaceFirst("\\{", "{\"a\":\"" + (char) random.nextInt(32) + "\",");
      default -> one(List.of("[]", "7", "\"a\"", "null", "true", "", " ", "\ufeff" + valid));
    };
  }

  private byte[] noUtf8(String valid) {
    byte[] bytes = valid.replaceFirst("\\{", "{\"?\":1,").getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '?') {
        bytes[i] = (byte) (0x80 + random.nextInt(128)); // alone it is no character
      }
    }
    return bytes;
  }

  private Request message() {
    String role = one(List.of("king", "", "User", "function", "用户", "tool"));
    String bad =
        switch (random.nextInt(6)) {
          case 0 -> "{\"role\":\"" + role + "\",\"content\":\"a\"}";
          case 1 -> "{\"role\":\"user\",\"content\":" + wrong() + "}";
          case 2 -> "{\"content\":\"a\"}";
          case 3 -> "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}";
          case 4 -> "{\"role\":\"assistant\",\"tool_calls\":[" + wrong() + "]}";
          default -> one(List.of("1", "[]", "\"a\"", "null", "{}"));
        };
    String good = "{\"role\":\"user\",\"content\":\"a\"},".repeat(random.nextInt(3));
    return post("message", "/v1/chat/completions", "{\"messages\":[" + good + bad + "]}");
  }

  /** A value that is neither a text nor a list nor an object. */
  private String wrong() {
    return one(List.of("1", "true", "1e400", "-7"));
  }

  private Request header(String path) {
    byte[] body = VALID.get(path).getBytes(StandardCharsets.UTF_8);
    String type =
        one(List.of("text/plain", "application/x-www-form-urlencoded", "json", "a/b", "*/*", "\t"));
    return switch (random.nextInt(4)) {
      case 0 -> new Request("type", "POST", path, type, body);
      case 1 ->
          new Request(
              "method",
              one(List.of("PUT", "DELETE", "PATCH", "GET")),
              path,
              "application/json",
              body);
      case 2 -> {
        String other = path + one(List.of("/x", "s", "%00", "/..%2f", "/%ff", "//"));
        yield new Request("path", "POST", other, "application/json", body);
      }
      default -> post("size", path, " ".repeat(70_000) + VALID.get(path)); // of 65,536 bytes
    };
  }

  /** Puts a value into a request that its schema does not allow. */
  private Request value(String path) {
    JsonNode request =
        document
            .at("/paths")
            .get(path)
            .at("/post/requestBody/content/application~1json/schema/$ref");
    JsonNode schema = document.at(request.asText().substring(1));
    ObjectNode body = (ObjectNode) Json.own(VALID.get(path));
    List<String> fields = new ArrayList<>();
    schema.get("properties").properties().stream()
        .filter(field -> isBounded(field.getValue()))
        .forEach(field -> fields.add(field.getKey()));
    String name = one(fields);
    return post(
        "value of " + name, path, with(body, name, wrong(schema.get("properties").get(name))));
  }

  /** Numbers as they are written here, which no tree would keep. */
  private static String with(ObjectNode body, String name, String value) {
    body.put(name, "VALUE");
    return Json.text(body).replace("\"VALUE\"", value);
  }

  private static boolean isBounded(JsonNode schema) {
    return schema.has("type") || schema.has("enum") || schema.has("anyOf");
  }

  /** A JSON text that a schema does not allow. */
  private String wrong(JsonNode schema) {
    if (schema.has("anyOf")) {
      return one(List.of("true", "1e400", "-0.5"));
    }
    if (schema.has("enum")) {
      return one(List.of("7", "\"no such value\"", "[]", "true"));
    }
    return switch (schema.get("type").asText()) {
      case "number" -> number(schema);
      case "integer" ->
          random.nextBoolean() ? number(schema) : one(List.of("1.5", "1e300", "\"1\""));
      case "string" -> one(List.of("7", "true", "[\"a\"]", "{}"));
      case "boolean" -> one(List.of("7", "\"true\"", "[]", "0"));
      case "array" -> one(List.of("7", "true", "{}", "[[[1e400]]]", "[null,7]"));
      default -> one(List.of("7", "true", "\"a\"", "[]"));
    };
  }

  private String number(JsonNode schema) {
    String number = NUMBERS[random.nextInt(NUMBERS.length)];
    boolean outside =
        schema.has("minimum")
            && (new BigDecimal(number).compareTo(schema.get("minimum").decimalValue()) < 0
                || new BigDecimal(number).compareTo(schema.get("maximum").decimalValue()) > 0);
    return outside ? number : one(List.of("\"0.5\"", "true", "[]", "{}"));
  }
}
