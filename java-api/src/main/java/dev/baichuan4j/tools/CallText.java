package dev.baichuan4j.tools;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.baichuan4j.internal.json.JsonText;
import java.io.IOException;
import java.io.StringReader;

/**
 * How calls and their results are written in a text of a message: the form of Hermes 2 Pro, which
 * Qwen has taken over.
 */
final class CallText {
  private static final int UNBOUNDED = Integer.MAX_VALUE;

  /** Without limits: a text that a model has written under a constraint has to be read. */
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .configure(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES, false)
          .configure(JsonFactory.Feature.INTERN_FIELD_NAMES, false)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(UNBOUNDED)
                  .maxNameLength(UNBOUNDED)
                  .maxNumberLength(UNBOUNDED)
                  .maxStringLength(UNBOUNDED)
                  .build())
          .build();

  private CallText() {}

  static String of(ToolCall call) {
    return CallSyntax.HERMES.begin(call.name()) + call.arguments() + CallSyntax.HERMES.end();
  }

  /** A result whose content is JSON holds it as it is, any other as a string. */
  static String of(ToolResult result) {
    String content = result.content();
    String json = isStructure(content) ? content.strip() : JsonText.quote(content);
    return "<tool_response>\n{\"name\": %s, \"content\": %s}\n</tool_response>"
        .formatted(JsonText.quote(result.name()), json);
  }

  /** Returns whether a text is that of a JSON object. */
  static boolean isObject(String text) {
    return begins(text, '{') && isJson(text);
  }

  private static boolean isStructure(String text) {
    return (begins(text, '{') || begins(text, '[')) && isJson(text);
  }

  private static boolean begins(String text, char mark) {
    String stripped = text.stripLeading();
    return !stripped.isEmpty() && stripped.charAt(0) == mark;
  }

  private static boolean isJson(String text) {
    try (JsonParser parser = JSON.createParser(new StringReader(text))) {
      int depth = 0;
      JsonToken token = parser.nextToken();
      while (token != null) {
        depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
        token = parser.nextToken();
        if (depth == 0 && token != null) {
          return false; // a second value
        }
      }
      return depth == 0;
    } catch (IOException e) {
      return false; // its syntax
    }
  }
}
