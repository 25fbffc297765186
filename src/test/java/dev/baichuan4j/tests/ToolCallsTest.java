package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.tools.Tool;
import dev.baichuan4j.tools.ToolCall;
import dev.baichuan4j.tools.ToolCallReader;
import dev.baichuan4j.tools.ToolChoice;
import dev.baichuan4j.tools.ToolResult;
import dev.baichuan4j.tools.Tools;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The tiny chat model, which knows nothing of tools, calls some. */
class ToolCallsTest {
  private static final Tool WEATHER =
      new Tool(
          "weather",
          "城市的天气。",
          """
          {"type": "object", "properties": {
             "city": {"enum": ["北京", "上海"]}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
           "required": ["city", "days"]}""");
  private static final Tool POEM =
      new Tool(
          "poem",
          "",
          """
          {"type": "object", "properties": {"of": {"type": "object",
             "properties": {"title": {"type": "string", "maxLength": 8}}, "required": ["title"],
             "additionalProperties": false}}, "required": ["of"]}""");
  private static final Tool NOW = new Tool("now", "", "{}");
  static final Tools TOOLS = Tools.of(List.of(WEATHER, POEM, NOW)).withParallel(false);
  private static final List<ChatMessage> MESSAGES = List.of(ChatMessage.user("床前明月光的下一句是什么？"));
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private static Baichuan model;

  @BeforeAll
  static void load() {
    model = TestDevice.loader("tiny-baichuan2-13b-chat", false).load();
  }

  @AfterAll
  static void close() {
    model.close();
  }

  /** What a sink hears. */
  private static class Listening implements ToolCallReader.Sink {
    final StringBuilder content = new StringBuilder();
    final List<StringBuilder> arguments = new ArrayList<>();
    final List<String> names = new ArrayList<>();

    @Override
    public void content(String text) {
      content.append(text);
    }

    @Override
    public void call(int index, String id, String name) {
      assertEquals(arguments.size(), index);
      arguments.add(new StringBuilder());
      names.add(name);
    }

    @Override
    public void arguments(int index, String fragment) {
      arguments.get(index).append(fragment);
    }
  }

  /** What is read of a text as it is streamed. */
  private static final class Stream extends Listening {
    final List<ToolCall> calls;
    final boolean incomplete;
    final GenerationResult result;

    Stream(Tools tools, GenerationOptions options, List<ChatMessage> messages) {
      ToolCallReader reader = tools.newReader();
      try (Generation answer = model.chat(tools.prompt(messages), tools.options(options))) {
        for (Chunk chunk : answer) {
          reader.accept(chunk.text(), this);
        }
        result = answer.result();
      }
      reader.finish(this);
      calls = reader.calls();
      incomplete = reader.hasIncompleteCall();
    }
  }

  /** Greedy, and drawn with some seeds from a flat distribution. */
  private static List<GenerationOptions> options(int maxNewTokens) {
    GenerationOptions options = model.defaultOptions().withMaxNewTokens(maxNewTokens);
    List<GenerationOptions> all = new ArrayList<>(List.of(options.withDoSample(false)));
    for (int seed = 0; seed < 5; seed++) {
      all.add(options.withDoSample(true).withTemperature(2).withTopK(0).withSeed(seed));
    }
    return all;
  }

  private static void assertValid(ToolCall call) throws Exception {
    JsonNode arguments = MAPPER.readTree(call.arguments());
    switch (call.name()) {
      case "weather" -> {
        assertEquals(2, arguments.size());
        assertTrue(Set.of("北京", "上海").contains(arguments.get("city").textValue()));
        assertTrue(arguments.get("days").intValue() >= 1 && arguments.get("days").intValue() <= 9);
      }
      case "poem" -> assertTrue(arguments.at("/of/title").isTextual());
      default -> assertEquals("{}", call.arguments());
    }
  }

  @Test
  void aRequiredCallIsValidAndTheWholeText() throws Exception {
    Tools required = TOOLS.withChoice(ToolChoice.required());
    for (GenerationOptions options : options(200)) {
      Stream stream = new Stream(required, options, MESSAGES);
      assertEquals(FinishReason.STOP, stream.result.finishReason(), stream.result.text());
      assertEquals(1, stream.calls.size());
      assertValid(stream.calls.get(0));
      assertEquals(stream.calls.get(0).arguments(), stream.arguments.get(0).toString());
      assertEquals("", stream.content.toString());
      assertFalse(stream.incomplete);
    }
  }

  @Test
  void aNamedToolIsTheOneThatIsCalled() throws Exception {
    for (Tool tool : List.of(WEATHER, POEM, NOW)) {
      Tools named = TOOLS.withChoice(ToolChoice.named(tool.name()));
      for (GenerationOptions options : options(200)) {
        Stream stream = new Stream(named, options, MESSAGES);
        assertEquals(List.of(tool.name()), stream.names);
        assertValid(stream.calls.get(0));
      }
    }
  }

  @Test
  void severalCallsComeInOneText() throws Exception {
    Tools parallel = TOOLS.withParallel(true).withChoice(ToolChoice.required());
    int calls = 0;
    for (GenerationOptions options : options(200)) {
      Stream stream = new Stream(parallel, options, MESSAGES);
      for (ToolCall call : stream.calls) {
        assertValid(call);
      }
      assertEquals(stream.calls.size() < stream.names.size(), stream.incomplete);
      assertEquals(stream.calls.size(), stream.calls.stream().map(ToolCall::id).distinct().count());
      calls += stream.calls.size();
    }
    assertTrue(calls > options(200).size(), "calls: " + calls);
  }

  @Test
  void anAnswerIsContentWhereNoCallIsChosen() {
    GenerationOptions greedy = GenerationOptions.greedy().withMaxNewTokens(40);
    Stream bound = new Stream(TOOLS, greedy, MESSAGES);
    assertEquals(model.chat(TOOLS.prompt(MESSAGES), greedy).text(), bound.content.toString());
    assertEquals(List.of(), bound.calls);
    Tools none = TOOLS.withChoice(ToolChoice.none());
    Stream free = new Stream(none, greedy, MESSAGES);
    assertEquals(model.chat(MESSAGES, greedy).text(), free.content.toString());
  }

  /** Where no other text can be written, the model has to call. */
  @Test
  void callsMayBeChosenInPlaceOfContent() throws Exception {
    Constraint language = Constraint.choice(List.of("Yes", "No"));
    for (GenerationOptions options : options(200)) {
      GenerationOptions bound = options.withConstraint(language);
      Stream content = new Stream(TOOLS, bound.withBannedWords("<"), MESSAGES);
      assertTrue(Set.of("Yes", "No").contains(content.content.toString()));
      Stream call = new Stream(TOOLS, bound.withBannedWords("Y", "N"), MESSAGES);
      assertEquals("", call.content.toString());
      assertEquals(1, call.calls.size());
      assertValid(call.calls.get(0));
    }
  }

  /** As many as do not fit into the prompt of this model: the constraint alone knows them. */
  @Test
  void amongTwentyToolsOneIsCalled() throws Exception {
    List<Tool> many = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      many.add(new Tool("工具_" + i, "", i % 2 == 0 ? WEATHER.parameters() : "{}"));
    }
    Tools tools = Tools.of(many).withChoice(ToolChoice.required()).withParallel(false);
    Set<String> called = new HashSet<>();
    for (GenerationOptions options : options(100)) {
      ToolCallReader reader = tools.newReader();
      Listening none = new Listening();
      reader.accept(model.chat(MESSAGES, tools.options(options)).text(), none);
      reader.finish(none);
      assertEquals(1, reader.calls().size());
      ToolCall call = reader.calls().get(0);
      boolean even = Integer.parseInt(call.name().substring(3)) % 2 == 0;
      assertValid(new ToolCall(call.id(), even ? "weather" : "now", call.arguments()));
      called.add(call.name());
    }
    assertTrue(called.size() > 1, () -> "called " + called);
  }

  @Test
  void aTextThatIsCutHasAnIncompleteCall() {
    Tools named = TOOLS.withChoice(ToolChoice.named("poem"));
    GenerationResult whole =
        new Stream(named, GenerationOptions.greedy().withMaxNewTokens(200), MESSAGES).result;
    int incomplete = 0;
    for (int limit = 1; limit < whole.tokenIds().size(); limit++) {
      Stream cut = new Stream(named, GenerationOptions.greedy().withMaxNewTokens(limit), MESSAGES);
      assertEquals(FinishReason.LENGTH, cut.result.finishReason());
      assertTrue(whole.text().startsWith(cut.result.text()));
      assertEquals(cut.incomplete ? 0 : cut.names.size(), cut.calls.size());
      incomplete += cut.incomplete ? 1 : 0;
    }
    assertTrue(incomplete > 3, "incomplete " + incomplete);
  }

  @Test
  void aConversationGoesOnWithWhatItHasComputed() {
    Tools named = TOOLS.withChoice(ToolChoice.named("weather"));
    GenerationOptions greedy = GenerationOptions.greedy().withMaxNewTokens(100);
    List<ChatMessage> messages = new ArrayList<>(MESSAGES);
    Stream first = new Stream(named, greedy, messages);
    messages.add(Tools.assistant("", first.calls));
    ToolCall call = first.calls.get(0);
    messages.add(Tools.results(List.of(new ToolResult(call.id(), call.name(), "{\"t\": 20}"))));
    Stream second = new Stream(TOOLS, greedy, messages);
    int read = first.result.usage().promptTokens() + first.result.tokenIds().size();
    int cached = second.result.usage().cachedTokens();
    assertTrue(cached > 0.9 * read, "cached " + cached + " of " + read);
  }

  @Test
  void marksAndNamesAreForcedSoThatTheyNeedNoLogits() {
    Tools named = TOOLS.withChoice(ToolChoice.named("now"));
    GenerationResult result =
        new Stream(named, GenerationOptions.greedy().withMaxNewTokens(100), MESSAGES).result;
    assertEquals(
        "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>", result.text());
  }
}
