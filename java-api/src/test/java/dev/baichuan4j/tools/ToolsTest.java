package dev.baichuan4j.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ToolForm;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ToolsTest {
  private static final Tool WEATHER =
      new Tool(
          "get_weather",
          "The weather of a \"city\"，城市。",
          """
          {"type":"object", "properties":{"city":{"type":"string"},
           "days":{"type":"integer","minimum":1,"maximum":7}},
           "required":["city"]}\
          """);
  private static final Tool NOW = new Tool("now", "", "{}");
  private static final Tools TOOLS = Tools.of(List.of(WEATHER, NOW));
  private static final GenerationOptions OPTIONS = GenerationOptions.unmodified();

  private static String call(String name, String arguments) {
    return "<tool_call>\n{\"name\": \""
        + name
        + "\", \"arguments\": "
        + arguments
        + "}\n</tool_call>";
  }

  @Test
  void declarationsStandBehindTheSystemTextInOneForm() {
    List<ChatMessage> messages = List.of(ChatMessage.user("北京天气怎么样？"));
    List<ChatMessage> prompt = TOOLS.prompt(messages);
    assertEquals(ChatMessage.Role.SYSTEM, prompt.get(0).role());
    assertEquals(messages, prompt.subList(1, 2));
    String text = prompt.get(0).content();
    String declared =
        """
        <tools>
        {"type": "function", "function": {"name": "get_weather", "description": "The weather of a \\"city\\"，城市。", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}}, "required": ["city"]}}}
        {"type": "function", "function": {"name": "now", "parameters": {}}}
        </tools>
        """;
    assertTrue(text.contains(declared), text);
    List<ChatMessage> own = TOOLS.prompt(List.of(ChatMessage.system("你是助手。"), messages.get(0)));
    assertEquals(List.of(ChatMessage.system("你是助手。\n\n" + text), messages.get(0)), own);
  }

  @Test
  void equalToolsAreOnePromptAndOneConstraint() {
    Tool spaced = new Tool("get_weather", WEATHER.description(), WEATHER.parameters() + "\n ");
    Tools again = Tools.of(List.of(NOW, spaced));
    List<ChatMessage> messages = List.of(ChatMessage.user("?"));
    assertEquals(TOOLS.prompt(messages), again.prompt(messages));
    assertEquals(TOOLS.options(OPTIONS), again.options(OPTIONS));
    assertEquals(
        TOOLS.prompt(messages), again.withChoice(ToolChoice.named("now")).prompt(messages));
    assertNotEquals(TOOLS.options(OPTIONS), again.withParallel(false).options(OPTIONS));
    assertNotEquals(
        TOOLS.options(OPTIONS), again.withChoice(ToolChoice.required()).options(OPTIONS));
    Tools others = Tools.of(List.of(NOW, new Tool("get_weather", "", "{}")));
    assertNotEquals(TOOLS.options(OPTIONS), others.options(OPTIONS));
  }

  @Test
  void theChoiceSaysWhichTextsThereAre() {
    String now = call("now", "{}");
    String weather = call("get_weather", "{\"city\": \"北京\", \"days\": 7}");
    BoundTexts auto = new BoundTexts(TOOLS);
    for (String text : List.of("", "好的 <tool_", now, "Yes.\n" + weather + "\n" + now)) {
      assertTrue(auto.accepts(text), text);
    }
    BoundTexts required = new BoundTexts(TOOLS.withChoice(ToolChoice.required()));
    assertTrue(required.accepts(now) && required.accepts(weather + "\n" + weather));
    assertFalse(required.accepts("") || required.accepts("Yes.\n" + now));
    BoundTexts named = new BoundTexts(TOOLS.withChoice(ToolChoice.named("now")));
    assertTrue(named.accepts(now) && named.accepts(now + "\n" + now));
    assertFalse(named.accepts(weather) || named.accepts(now + "\n" + weather));
    BoundTexts one = new BoundTexts(TOOLS.withParallel(false));
    assertTrue(one.accepts("Yes." + now));
    assertFalse(one.accepts(now + "\n" + now));
    assertEquals(now, "<tool_call>" + named.forced("<tool_call>"));
  }

  @Test
  void argumentsAreThoseThatAreDeclared() {
    BoundTexts texts = new BoundTexts(TOOLS);
    assertFalse(texts.accepts(call("now", "{\"a\": 1}")));
    assertFalse(texts.accepts(call("get_weather", "{}")), "a city is required");
    assertFalse(texts.accepts(call("get_weather", "{\"city\": \"a\", \"days\": 8}")));
    assertFalse(texts.accepts(call("get_weather", "{\"city\": \"a\", \"unit\": \"C\"}")));
    assertFalse(texts.accepts(call("get_weather", "{\"city\":\"a\"}")), "another layout");
    assertFalse(texts.accepts(call("later", "{}")));
    String open =
        """
        {"type": "object", "properties": {"a": {"type": "object"}}, "additionalProperties": true}\
        """;
    String required = "{\"type\": \"object\", \"properties\": {}, \"required\": [\"b\"]}";
    BoundTexts more =
        new BoundTexts(
            Tools.of(
                List.of(
                    new Tool("open", "", open),
                    new Tool("any", "", "{\"type\": \"object\"}"),
                    new Tool("required", "", required))));
    assertTrue(more.accepts(call("open", "{\"a\": {\"b\": 1}, \"c\": 2}")));
    assertTrue(more.accepts(call("any", "{\"城市\": [1]}")));
    assertTrue(more.accepts(call("required", "{\"b\": null}")));
  }

  @Test
  void aConstraintOfTheContentStandsBesideCalls() {
    Constraint schema = Constraint.jsonSchema("{\"type\": \"integer\"}");
    GenerationOptions options = OPTIONS.withConstraint(schema);
    BoundTexts auto = new BoundTexts(TOOLS.options(options).constraint().orElseThrow());
    assertTrue(auto.accepts("12") && auto.accepts(call("now", "{}")));
    assertFalse(auto.accepts("twelve") || auto.accepts("12" + call("now", "{}")));
    Tools required = TOOLS.withChoice(ToolChoice.required());
    assertEquals(required.options(OPTIONS), required.options(options));
    assertEquals(options, TOOLS.withChoice(ToolChoice.none()).options(options));
    Constraint tag = Constraint.regex("<b>|a");
    String message = refused("constraint", () -> TOOLS.options(OPTIONS.withConstraint(tag)));
    assertTrue(message.contains("regex <b>|a"), message);
  }

  @Test
  void withNoToolNothingIsAddedOrRead() {
    Tools none = TOOLS.withChoice(ToolChoice.none());
    List<ChatMessage> messages = List.of(ChatMessage.user("?"));
    assertEquals(messages, none.prompt(messages));
    assertEquals(OPTIONS, none.options(OPTIONS));
    StringBuilder content = new StringBuilder();
    ToolCallReader reader = none.newReader();
    ToolCallReader.Sink sink =
        new ToolCallReader.Sink() {
          @Override
          public void content(String text) {
            content.append(text);
          }

          @Override
          public void call(int index, String id, String name) {
            throw new AssertionError(name);
          }

          @Override
          public void arguments(int index, String fragment) {
            throw new AssertionError(fragment);
          }
        };
    reader.accept(call("now", "{}"), sink);
    reader.finish(sink);
    assertEquals(call("now", "{}"), content.toString());
    assertEquals(List.of(), reader.calls());
  }

  @Test
  void aTurnOfTheModelIsWrittenAsTheModelWritesIt() {
    List<ToolCall> calls =
        List.of(
            new ToolCall("call_1", "get_weather", "{\"city\": \"北京\"}"),
            new ToolCall("call_2", "now", "{}"));
    ChatMessage turn = Tools.assistant("好的。", calls);
    assertEquals(ChatMessage.Role.ASSISTANT, turn.role());
    assertTrue(new BoundTexts(TOOLS).accepts(turn.content()));
    ReadText read = ReadText.of(Set.of("get_weather", "now"), List.of(turn.content()));
    assertEquals("好的。\n", read.content());
    assertEquals(
        calls.stream().map(ToolCall::arguments).toList(),
        read.calls().stream().map(ToolCall::arguments).toList());
    assertEquals(turn, Tools.assistant(read.content(), calls));
    assertEquals(call("now", "{}"), Tools.assistant("", calls.subList(1, 2)).content());
    assertEquals("Hi", Tools.assistant("Hi", List.of()).content());
  }

  @Test
  void resultsOfARoundAreOneMessage() {
    ChatMessage results =
        Tools.results(
            List.of(
                new ToolResult("call_1", "get_weather", " {\"t\":\n [20]} "),
                new ToolResult("call_2", "now", "12 \"点\""),
                new ToolResult("call_3", "now", "{12}")));
    assertEquals(
        ChatMessage.user(
                """
                <tool_response>
                {"name": "get_weather", "content": {"t":
                 [20]}}
                </tool_response>
                <tool_response>
                {"name": "now", "content": "12 \\"点\\""}
                </tool_response>
                <tool_response>
                {"name": "now", "content": "{12}"}
                </tool_response>\
                """)
            .content(),
        results.content());
    assertEquals(ChatMessage.Role.USER, results.role());
    assertEquals("{12}", results.toolParts().get(2).text());
    refused("results", () -> Tools.results(List.of()));
  }

  @Test
  void callsOfLlamaAreTheTextOfAnObject() {
    Tools llama = TOOLS.withForm(ToolForm.LLAMA);
    String weather = "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"北京\", \"days\": 7}}";
    BoundTexts auto = new BoundTexts(llama);
    for (String text : List.of("", "好的 {", weather, "Yes. " + weather)) {
      assertTrue(auto.accepts(text), text);
    }
    for (String text :
        List.of(
            weather + weather,
            weather + "\n" + weather,
            weather.replace("7", "8"),
            weather.replace("get_weather", "other"),
            call("now", "{}") + weather.substring(0, 30))) {
      assertFalse(auto.accepts(text), text);
    }
    BoundTexts named = new BoundTexts(llama.withChoice(ToolChoice.named("now")));
    assertEquals("{\"name\": \"now\", \"parameters\": {}}", named.forced(""));
    assertFalse(named.accepts(""));
    refused(
        "constraint",
        () ->
            llama.options(OPTIONS.withConstraint(Constraint.jsonSchema("{\"type\":\"object\"}"))));
  }

  @Test
  void aTemplateIsGivenTheDeclarations() {
    List<ChatMessage> messages = List.of(ChatMessage.user("?"));
    for (ToolForm form : new ToolForm[] {ToolForm.HERMES, ToolForm.LLAMA, ToolForm.MISTRAL}) {
      Tools tools = TOOLS.withForm(form);
      assertEquals(messages, tools.prompt(messages));
      List<?> declared = (List<?>) tools.options(OPTIONS).templateVariables().values().get("tools");
      assertEquals(2, declared.size());
      assertTrue(declared.get(0).toString().contains("minimum=1,"), declared.toString());
      assertEquals(
          OPTIONS, tools.withChoice(ToolChoice.none()).options(OPTIONS), "nothing is declared");
    }
    assertEquals(
        TOOLS.options(OPTIONS).constraint(),
        TOOLS.withForm(ToolForm.HERMES).options(OPTIONS).constraint());
    assertTrue(TOOLS.options(OPTIONS).templateVariables().values().isEmpty());
  }

  /** What begins a call of Mistral is no text that a constraint could write. */
  @Test
  void mistralIsBoundByNothing() {
    Tools mistral = TOOLS.withForm(ToolForm.MISTRAL);
    assertTrue(mistral.options(OPTIONS).constraint().isEmpty());
    refused("choice", () -> mistral.withChoice(ToolChoice.required()).options(OPTIONS));
    refused("choice", () -> mistral.withChoice(ToolChoice.named("now")).options(OPTIONS));
    refused("choice", () -> mistral.withParallel(false).options(OPTIONS));
    refused("choice", () -> mistral.options(OPTIONS.withConstraint(Constraint.json())));
  }

  @Test
  void whatCannotBeIsRefused() {
    refused("tools", () -> Tools.of(List.of()));
    refused("tools[1].name", () -> Tools.of(List.of(NOW, NOW)));
    refused("choice", () -> TOOLS.withChoice(ToolChoice.named("later")));
    refused("messages", () -> TOOLS.prompt(List.of()));
    refused("beamSearch", () -> TOOLS.options(OPTIONS.withBeamSearch(new BeamSearch(2, 1))));
    for (String name : List.of("", "a b", "a\"", "x".repeat(65), "<tool_call>")) {
      refused("name", () -> new Tool(name, "", "{}"));
    }
    assertEquals("查询.v-2_a", new Tool("查询.v-2_a", "", "{}").name());
    for (String arguments : List.of("", "{", "[]", "1", "{}{}", "{\"a\"}")) {
      refused("arguments", () -> new ToolCall("id", "now", arguments));
    }
    assertEquals("{\"a\": 1, \"a\": 2}", new ToolCall("", "", "{\"a\": 1, \"a\": 2}").arguments());
  }

  @Test
  void aSchemaThatCannotBeEnforcedIsRefusedByToolAndKeyword() {
    String unenforced =
        "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\", \"format\":"
            + " \"x\"}}}";
    for (List<String> each :
        List.of(
            List.of(unenforced, "format", "#/properties/a"),
            List.of("{\"type\": \"object\", \"minProperties\": -1}", "minProperties"),
            List.of("{\"type\": \"object\", \"enum\": [1]}", "valid"),
            List.of("{", "JSON"),
            List.of("[]", "an object"),
            List.of("true", "\"type\": \"object\""),
            List.of("{\"type\": \"string\"}", "\"type\": \"object\""),
            List.of("{\"properties\": {}}", "\"type\": \"object\""))) {
      List<Tool> tools = List.of(NOW, new Tool("find", "", each.get(0)));
      String message = refused("tools[1].parameters", () -> Tools.of(tools));
      for (String part : each.subList(1, each.size())) {
        assertTrue(message.contains(part) && message.contains("find"), message);
      }
    }
  }

  @Test
  void aNullToolIsRefusedByItsPlace() {
    List<Tool> tools = new ArrayList<>(List.of(NOW));
    tools.add(null);
    assertEquals(
        "tools[1]", assertThrows(NullPointerException.class, () -> Tools.of(tools)).getMessage());
  }

  private static String refused(String parameter, Runnable call) {
    InvalidRequestException refused = assertThrows(InvalidRequestException.class, call::run);
    assertEquals(parameter, refused.parameter());
    return refused.getMessage();
  }
}
