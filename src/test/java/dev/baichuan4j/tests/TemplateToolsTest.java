package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.PromptFormat;
import dev.baichuan4j.ToolForm;
import dev.baichuan4j.tools.Tool;
import dev.baichuan4j.tools.ToolCall;
import dev.baichuan4j.tools.ToolCallReader;
import dev.baichuan4j.tools.ToolChoice;
import dev.baichuan4j.tools.ToolResult;
import dev.baichuan4j.tools.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model whose template handles tools is told of them by it, and calls as it writes calls. */
class TemplateToolsTest {
  private static final String TEMPLATE =
      """
      {% if tools %}{% for t in tools %}{{ t.function.name }}: {{ t.function.description }}
      {% endfor %}{% endif %}
      {%- for m in messages %}
      {%- if m.tool_calls %}
      {%- set f = m.tool_calls[0].function %}
      {"name": "{{ f.name }}", "parameters": {{ f.arguments | tojson }}}
      {%- else %}
      [{{ m.role }}] {{ m.content }}
      {%- endif %}
      {%- endfor %}
      {%- if add_generation_prompt %}
      [assistant] {% endif %}
      """;

  private static final Tools TOOLS =
      Tools.of(
          List.of(
              new Tool("now", "The time.", "{}"),
              new Tool(
                  "weather",
                  "Of a city.",
                  "{\"type\": \"object\", \"properties\": {\"city\": {\"enum\": [\"北京\", \"上海\"]}},"
                      + " \"required\": [\"city\"]}")));

  @TempDir private Path folder;

  private Path model(String template) throws IOException {
    try (Stream<Path> files = Files.list(Fixtures.model("tiny-baichuan2-13b-chat"))) {
      for (Path file : files.toList()) {
        Files.createLink(folder.resolve(file.getFileName().toString()), file);
      }
    }
    Files.writeString(folder.resolve("chat_template.jinja"), template);
    return folder;
  }

  private static List<ToolCall> calls(Tools tools, String text) {
    List<String> content = new ArrayList<>();
    ToolCallReader.Sink sink =
        new ToolCallReader.Sink() {
          @Override
          public void content(String text) {
            content.add(text);
          }

          @Override
          public void call(int index, String id, String name) {}

          @Override
          public void arguments(int index, String fragment) {}
        };
    ToolCallReader reader = tools.newReader();
    reader.accept(text, sink);
    reader.finish(sink);
    assertEquals(List.of(), content);
    return reader.calls();
  }

  @Test
  void callsAreWrittenAsTheTemplateWritesThem() throws IOException {
    try (Baichuan model =
        TestDevice.loader(model(TEMPLATE)).promptFormat(PromptFormat.TEMPLATE).load()) {
      assertEquals(ToolForm.LLAMA, model.info().toolForm());
      Tools tools = TOOLS.withForm(model.info().toolForm());
      Tools named = tools.withChoice(ToolChoice.named("weather"));
      List<ChatMessage> messages = new ArrayList<>(List.of(ChatMessage.user("北京天气")));
      GenerationOptions options = GenerationOptions.greedy().withMaxNewTokens(100);
      String text = model.chat(named.prompt(messages), named.options(options)).text();
      assertTrue(
          text.matches("\\{\"name\": \"weather\", \"parameters\": \\{\"city\": \".*\"}}"), text);
      List<ToolCall> calls = calls(named, text);
      assertEquals("weather", calls.get(0).name());
      messages.add(Tools.assistant("", calls));
      messages.add(Tools.results(List.of(new ToolResult(calls.get(0).id(), "weather", "sun"))));
      try (Generation answer = model.chat(tools.prompt(messages), tools.options(options))) {
        int[] prompt = model.tokenizer().encode(expected(calls.get(0)));
        assertEquals(prompt.length, answer.result().usage().promptTokens());
      }
    }
  }

  /** What the template writes of the conversation. */
  private static String expected(ToolCall call) {
    return "now: The time.\n"
        + "weather: Of a city.\n"
        + "[user] 北京天气{\"name\": \"weather\", \"parameters\": "
        + call.arguments()
        + "}[tool] sun[assistant] ";
  }

  @Test
  void aModelOfBaichuansOwnFormatKeepsItsText() throws IOException {
    try (Baichuan model = TestDevice.loader(model(TEMPLATE)).load()) {
      assertEquals(ToolForm.TEXT, model.info().toolForm());
      Tools tools = TOOLS.withForm(ToolForm.LLAMA);
      List<ChatMessage> messages = List.of(ChatMessage.user("北京天气"));
      GenerationOptions options = tools.options(GenerationOptions.greedy().withMaxNewTokens(4));
      InvalidRequestException e =
          assertThrows(InvalidRequestException.class, () -> model.chat(messages, options));
      assertEquals("templateVariables", e.parameter());
    }
  }
}
