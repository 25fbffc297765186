package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Map;
import java.util.StringJoiner;

/** {@code /docs}: the document of the endpoints as a page to read, without any script. */
final class ApiPage {
  private static final String STYLE =
      """
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em;
        color: #1b1b1b; background: #fff }
      h2 { margin-top: 2em; border-bottom: 1px solid #999 } code { font-size: 0.95em }
      table { border-collapse: collapse; width: 100% }
      th, td { text-align: left; vertical-align: top; padding: 0.2em 0.6em; border-bottom: 1px solid #ccc }
      @media (prefers-color-scheme: dark) { body { color: #e6e6e6; background: #16181c }
        th, td { border-color: #444 } }
      """;

  /** Nothing but the style above is loaded or run. */
  static final String POLICY =
      "default-src 'none'; style-src 'sha256-"
          + sha256(STYLE)
          + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private final StringBuilder html = new StringBuilder();
  private final JsonNode schemas;

  private ApiPage(JsonNode schemas) {
    this.schemas = schemas;
  }

  private static String sha256(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] hash = digest.digest(text.getBytes(StandardCharsets.UTF_8));
      return Base64.getEncoder().encodeToString(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  /** Returns the page of a document. */
  static String of(ObjectNode document) {
    ApiPage page = new ApiPage(document.at("/components/schemas"));
    page.add(document);
    return page.html.toString();
  }

  private void add(ObjectNode document) {
    String title = escaped(document.at("/info/title").asText());
    html.append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
        .append(title)
        .append("</title><meta name=\"viewport\" content=\"width=device-width\"><style>")
        .append(STYLE)
        .append("</style></head><body><h1>")
        .append(title)
        .append("</h1>\n<p>")
        .append(escaped(document.at("/info/description").asText()))
        .append(" This page shows <a href=\"/openapi.json\">/openapi.json</a>.</p>\n");
    for (Map.Entry<String, JsonNode> path : document.get("paths").properties()) {
      for (Map.Entry<String, JsonNode> method : path.getValue().properties()) {
        html.append("<h2><code>")
            .append(method.getKey().toUpperCase(java.util.Locale.ROOT))
            .append(' ')
            .append(escaped(path.getKey()))
            .append("</code></h2>\n<p>")
            .append(escaped(method.getValue().get("summary").asText()))
            .append("</p>\n");
        JsonNode schema = method.getValue().at("/requestBody/content/application~1json/schema");
        if (!schema.isMissingNode()) {
          String name = schema.get("$ref").asText();
          table(schemas.get(name.substring(name.lastIndexOf('/') + 1)));
        }
      }
    }
    html.append("</body></html>\n");
  }

  private void table(JsonNode schema) {
    html.append("<table><thead><tr><th>field<th>value<th>meaning</tr></thead>\n<tbody>");
    rows("", schema);
    html.append("</tbody></table>\n");
    JsonNode refused = schema.get("description");
    if (refused != null) {
      html.append("<p>").append(escaped(refused.asText())).append("</p>\n");
    }
  }

  private void rows(String prefix, JsonNode schema) {
    for (Map.Entry<String, JsonNode> field : schema.path("properties").properties()) {
      String name = prefix + field.getKey();
      html.append("<tr><td><code>")
          .append(escaped(name))
          .append("</code><td>")
          .append(escaped(value(field.getValue())))
          .append("<td>")
          .append(escaped(field.getValue().path("description").asText()))
          .append("</tr>\n");
      rows(name + ".", field.getValue());
      rows(name + "[].", field.getValue().path("items"));
    }
  }

  private static String value(JsonNode schema) {
    if (schema.has("enum")) {
      StringJoiner values = new StringJoiner(", ");
      schema.get("enum").forEach(one -> values.add(one.asText()));
      return values.toString();
    }
    if (schema.has("anyOf")) {
      StringJoiner kinds = new StringJoiner(", or ");
      schema.get("anyOf").forEach(one -> kinds.add(value(one)));
      return kinds.toString();
    }
    String type = schema.path("type").asText("any");
    if (type.equals("array")) {
      return "list of " + value(schema.path("items"));
    }
    if (schema.has("minimum") && schema.has("maximum")) {
      return type + ", " + schema.get("minimum").asText() + " to " + schema.get("maximum").asText();
    }
    return type;
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
