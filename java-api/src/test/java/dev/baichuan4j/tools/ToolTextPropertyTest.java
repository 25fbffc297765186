package dev.baichuan4j.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.internal.engine.constrain.schema.PlainValidator;
import dev.baichuan4j.internal.json.JsonTree;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Whatever a constraint lets through is read back, as content and calls that are valid. */
class ToolTextPropertyTest {
  private static final long SEED = 15;

  private static final List<String> SCHEMAS =
      List.of(
          "{}",
          "{\"type\": \"object\", \"properties\": {}}",
          """
          {"type": "object", "properties": {"城市": {"type": "string"}}, "required": ["城市"]}""",
          """
          {"type": "object", "properties": {"at": {"type": "object",
            "properties": {"x": {"type": "number"}, "y": {"type": "integer"}},
            "required": ["x", "y"], "additionalProperties": false},
            "tags": {"type": "array", "items": {"enum": ["<tool_call>", "}", "\\"", "é😀"]},
              "maxItems": 3}},
            "required": ["at"]}""",
          """
          {"type": "object", "properties": {"kind": {"enum": ["a", 1, null]},
            "note": {"type": "string", "maxLength": 12}, "on": {"type": "boolean"}},
            "required": ["note"]}""",
          """
          {"type": "object", "properties": {"next": {"$ref": "#"}, "id": {"const": "</tool_call>"}},
            "required": ["id"]}""",
          """
          {"type": "object", "patternProperties": {"^[ab]{1,2}$": {"type": "integer"}},
            "additionalProperties": false, "maxProperties": 1}""");

  private final SplittableRandom random = new SplittableRandom(SEED);

  private Map<String, Object> declare(int count, List<Tool> tools) {
    Map<String, Object> schemas = new TreeMap<>();
    while (tools.size() < count) {
      String name = "f" + "_x查".charAt(random.nextInt(3)) + random.nextInt(200);
      String schema = SCHEMAS.get(random.nextInt(SCHEMAS.size()));
      if (schemas.putIfAbsent(name, JsonTree.parse(schema, name)) == null) {
        tools.add(new Tool(name, "", schema));
      }
    }
    return schemas;
  }

  @Test
  void textsThatAreLetThroughAreContentAndValidCalls() {
    int texts = 0;
    int calls = 0;
    int parallel = 0;
    int withContent = 0;
    for (int round = 0; round < 42; round++) {
      List<Tool> list = new ArrayList<>();
      Map<String, Object> schemas = declare(round % 3 == 0 ? 20 : 1 + round % 4, list);
      boolean several = random.nextBoolean();
      ToolChoice choice =
          switch (round % 3) {
            case 0 -> ToolChoice.auto();
            case 1 -> ToolChoice.required();
            default -> ToolChoice.named(list.get(0).name());
          };
      BoundTexts bound = new BoundTexts(Tools.of(list).withChoice(choice).withParallel(several));
      for (int i = 0; i < 10; i++) {
        List<String> pieces = bound.draw(random);
        if (pieces == null) {
          continue; // too long: a schema that refers to itself
        }
        String text = String.join("", pieces);
        if (text.matches("(?s).*[0-9][eE][+-]?[0-9]{3,}.*")) {
          continue; // a number of a thousand digits is too long for the plain validator
        }
        texts++;
        ReadText read = ReadText.of(schemas.keySet(), pieces);
        assertFalse(read.isIncomplete(), text);
        assertEquals(count(text, "<tool_call>\n{\"name\": \""), read.calls().size(), text);
        assertTrue(several || read.calls().size() <= 1, text);
        assertTrue(choice instanceof ToolChoice.Auto || !read.calls().isEmpty(), text);
        for (ToolCall call : read.calls()) {
          Object arguments = JsonTree.parse(call.arguments(), "arguments");
          Object schema = schemas.get(call.name());
          assertTrue(arguments instanceof Map && isValid(schema, arguments), text);
          assertTrue(
              !(choice instanceof ToolChoice.Named named) || named.name().equals(call.name()));
        }
        String written = Tools.assistant(read.content(), read.calls()).content();
        assertTrue(bound.accepts(written), written);
        assertEquals(withoutBreaks(text), withoutBreaks(written));
        calls += read.calls().size();
        parallel += read.calls().size() > 1 ? 1 : 0;
        withContent += read.calls().size() > 0 && !read.content().isEmpty() ? 1 : 0;
      }
    }
    assertTrue(texts > 300, "texts " + texts);
    assertTrue(calls > 300, "calls " + calls);
    assertTrue(parallel > 30 && withContent > 10, parallel + ", with content " + withContent);
  }

  private static boolean isValid(Object schema, Object arguments) {
    return schema.toString().contains("$ref")
        ? isChain((Map<?, ?>) arguments)
        : PlainValidator.isValid(schema, arguments);
  }

  /** The plain validator does not follow references: this is the one schema that has one. */
  private static boolean isChain(Map<?, ?> node) {
    boolean hasNext = node.containsKey("next");
    return "</tool_call>".equals(node.get("id"))
        && node.size() == (hasNext ? 2 : 1)
        && (!hasNext || node.get("next") instanceof Map<?, ?> next && isChain(next));
  }

  /** A text without what is added or left out between content and calls. */
  private static String withoutBreaks(String text) {
    return text.replaceAll("\\s*<tool_call>", "<tool_call>");
  }

  private static int count(String text, String part) {
    return text.split(java.util.regex.Pattern.quote(part), -1).length - 1;
  }
}
