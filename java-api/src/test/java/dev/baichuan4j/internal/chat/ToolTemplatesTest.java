package dev.baichuan4j.internal.chat;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.TemplateVariables;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.ToolForm;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.tools.Tool;
import dev.baichuan4j.tools.ToolCall;
import dev.baichuan4j.tools.ToolResult;
import dev.baichuan4j.tools.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Templates that handle tools, in the three forms that are known, and such that do not. */
class ToolTemplatesTest {
  private static final Tokenizer TOKENIZER =
      Tokenizer.load(
          Path.of(System.getProperty("baichuan4j.root", ".."))
              .resolve("models/tiny-baichuan2-13b-chat"));

  private static final String DECLARED =
      "{% if tools %}Tools:{% for t in tools %} {{ t | tojson }}{% endfor %}\n\n{% endif %}";

  private static final String HERMES =
      DECLARED
          + """
          {% for m in messages %}
          {{ m.role }}: {{ m.content }}
          {% for c in m.tool_calls %}
          <tool_call>
          {"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}
          </tool_call>
          {% endfor %}
          {% endfor %}
          """;

  private static final String LLAMA =
      DECLARED
          + """
          {% for m in messages %}
          {% if m.tool_calls %}
          {% if m.tool_calls | length > 1 %}{{ raise_exception('one call alone') }}{% endif %}
          {% set f = m.tool_calls[0].function %}
          {"name": "{{ f.name }}", "parameters": {{ f.arguments | tojson }}}
          {% else %}
          {{ m.role }}: {{ m.content }}
          {% endif %}
          {% endfor %}
          """;

  private static final String MISTRAL =
      DECLARED
          + """
          {% for m in messages %}
          {% if m.tool_calls %}
          [TOOL_CALLS] [{% for c in m.tool_calls -%}
          {% if c.id | length != 9 %}{{ raise_exception('nine characters') }}{% endif -%}
          {{ (c.function | tojson)[:-1] }}, "id": "{{ c.id }}"}{{ "" if loop.last else ", " }}
          {%- endfor %}]
          {% else %}
          {{ m.role }}: {{ m.content }}{{ " to " + m.tool_call_id if m.tool_call_id else "" }}
          {% endif %}
          {% endfor %}
          """;

  private static final String UNKNOWN =
      HERMES.replace("<tool_call>", "<call>").replace("\"name\"", "\"function\"");

  private static final Tools TOOLS =
      Tools.of(
          List.of(
              new Tool(
                  "weather",
                  "Of a city.",
                  "{\"type\": \"object\", \"properties\": {\"days\": {\"type\": \"integer\","
                      + " \"minimum\": 1, \"default\": null}}}")));

  private static final List<ChatMessage> TALK =
      List.of(
          ChatMessage.user("Beijing?"),
          Tools.assistant(
              "I look.", List.of(new ToolCall("call_abc", "weather", "{\"days\": 2, \"x\": 0.5}"))),
          Tools.results(List.of(new ToolResult("call_abc", "weather", "{\"sun\": true}"))));

  @TempDir Path folder;

  private TemplateFile template(String text) throws IOException {
    Files.writeString(folder.resolve("chat_template.jinja"), text);
    return TemplateFile.find(NamedFiles.in(folder)).orElseThrow();
  }

  private JinjaPrompt prompt(String text, TemplateVariables variables) throws IOException {
    return new JinjaPrompt(template(text), TOKENIZER, 4096, LocalDateTime::now).with(variables);
  }

  private static TemplateVariables declared(ToolForm form) {
    return TOOLS.withForm(form).options(GenerationOptions.unmodified()).templateVariables();
  }

  @Test
  void theFormIsWhatTheTemplateWrites() throws IOException {
    assertEquals(ToolForm.HERMES, ToolProbe.formOf(template(HERMES)));
    assertEquals(ToolForm.LLAMA, ToolProbe.formOf(template(LLAMA)));
    assertEquals(ToolForm.MISTRAL, ToolProbe.formOf(template(MISTRAL)));
    assertEquals(ToolForm.TEXT, ToolProbe.formOf(template(UNKNOWN)));
    assertEquals(ToolForm.TEXT, ToolProbe.formOf(template(HERMES.substring(DECLARED.length()))));
    assertEquals(
        ToolForm.TEXT,
        ToolProbe.formOf(template("{% if tools %}{{ raise_exception('none') }}{% endif %}")));
    assertEquals(ToolForm.TEXT, ToolProbe.formOf(template("{{ messages[0].content }}")));
  }

  @Test
  void toolsCallsAndResultsGoThroughTheTemplate() throws IOException {
    String text =
        prompt(HERMES, declared(ToolForm.HERMES)).text(TOOLS.withForm(ToolForm.HERMES).prompt(TALK))
            + "";
    assertEquals(
        """
        Tools: {"type": "function", "function": {"name": "weather", "description": "Of a city.", "parameters": {"type": "object", "properties": {"days": {"type": "integer", "minimum": 1, "default": null}}}}}
        user: Beijing?
        assistant: I look.
        <tool_call>
        {"name": "weather", "arguments": {"days": 2, "x": 0.5}}
        </tool_call>
        tool: {"sun": true}
        """,
        text);
    String mistral = prompt(MISTRAL, declared(ToolForm.MISTRAL)).text(TALK) + "";
    String id = mistral.replaceFirst("(?s).* to (\\w{9})\n", "$1");
    assertTrue(
        mistral.contains(
            "[TOOL_CALLS] [{\"name\": \"weather\", \"arguments\": {\"days\": 2, \"x\": 0.5},"
                + " \"id\": \""
                + id
                + "\"}]"),
        mistral);
  }

  @Test
  void withoutToolsMessagesAreTheirText() throws IOException {
    String text = prompt(HERMES, TemplateVariables.NONE).text(TALK) + "";
    StringBuilder expected = new StringBuilder();
    for (ChatMessage message : TALK) {
      String role = message.role().name().toLowerCase();
      expected.append(role).append(": ").append(message.content()).append('\n');
    }
    assertEquals(expected.toString(), text);
    assertTrue(text.contains("<tool_response>"), text);
  }

  /** What a tool answers, and how a tool is described, is text and no mark. */
  @Test
  void specialTokensOfResultsAreText() throws IOException {
    int mark = TOKENIZER.eosId();
    String piece = TOKENIZER.piece(mark);
    List<ChatMessage> talk =
        List.of(
            TALK.get(0),
            Tools.assistant("", List.of(new ToolCall("1", "weather", "{\"" + piece + "\": 1}"))),
            Tools.results(List.of(new ToolResult("1", "weather", piece))));
    int[] ids = prompt(HERMES, declared(ToolForm.HERMES)).whole(talk, 1).ids();
    assertTrue(Arrays.stream(ids).noneMatch(id -> id == mark));
  }

  @Test
  void aRoundBeginsAtNoResult() throws IOException {
    JinjaPrompt prompt = prompt(LLAMA, declared(ToolForm.LLAMA));
    List<ChatMessage> talk =
        List.of(
            ChatMessage.user("床前明月光".repeat(4000)),
            ChatMessage.assistant("?"),
            TALK.get(0),
            TALK.get(1),
            TALK.get(2));
    ChatPrompt cut = prompt.dropOldestRounds(talk, 8, 8);
    assertEquals(1, cut.droppedRounds());
    assertArrayEquals(prompt.whole(TALK, 8).ids(), cut.ids());
  }
}
