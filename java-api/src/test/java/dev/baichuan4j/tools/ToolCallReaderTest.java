package dev.baichuan4j.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ToolCallReaderTest {
  private static final Set<String> NAMES = Set.of("weather", "now", "查询");
  private static final String NOW =
      "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";
  private static final String WEATHER =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"北京 {\\\"\"}}\n</tool_call>";

  /** Texts, and what comes of each. */
  private static final List<List<String>> TEXTS =
      List.of(
          List.of("", ""),
          List.of("Hello, <tool_ca> and <<tool_call", "content Hello, <tool_ca> and <<tool_call"),
          List.of(NOW, "call 0 now", "arguments 0 {}"),
          List.of(
              "好的。\n" + WEATHER + "\n" + NOW,
              "content 好的。\n",
              "call 0 weather",
              "arguments 0 {\"city\": \"北京 {\\\"\"}",
              "call 1 now",
              "arguments 1 {}"),
          List.of(" \n\n" + NOW + " \n ", "call 0 now", "arguments 0 {}"),
          List.of(" \n ", "content  \n "),
          List.of(
              "<tool_call>{\"name\":\"查询\",\"arguments\":{\"a\":[{}]} } </tool_call>.",
              "call 0 查询",
              "arguments 0 {\"a\":[{}]}",
              "content ."),
          // The arguments first, and the mark of the end left out.
          List.of(
              "<tool_call>{\"arguments\": {\"b\":1}, \"name\": \"now\"}",
              "call 0 now",
              "arguments 0 {\"b\": 1}"),
          List.of(
              "<tool_call>{\"arguments\": {}, \"name\": \"now\"}</tool_call>" + NOW,
              "call 0 now",
              "arguments 0 {}",
              "call 1 now",
              "arguments 1 {}"),
          List.of(
              NOW.replace("</tool_call>", "") + NOW,
              "call 0 now",
              "arguments 0 {}",
              "call 1 now",
              "arguments 1 {}"),
          // No calls.
          List.of(
              "Write <tool_call> and then JSON: {\"name\": \"now\", \"arguments\": {}}",
              "content Write <tool_call> and then JSON: {\"name\": \"now\", \"arguments\": {}}"),
          List.of(
              "\n" + NOW.replace("now", "later") + NOW,
              "content \n" + NOW.replace("now", "later"),
              "call 0 now",
              "arguments 0 {}"),
          List.of(
              "<tool_call>{\"name\": \"now\", \"arguments\": \"{}\"}</tool_call>",
              "content <tool_call>{\"name\": \"now\", \"arguments\": \"{}\"}</tool_call>"),
          List.of(
              "<tool_call>{\"name\": \"now\"}\n" + NOW,
              "content <tool_call>{\"name\": \"now\"}\n",
              "call 0 now",
              "arguments 0 {}"),
          List.of(
              "<tool_call><tool_call>\n{\"name\": \"now\", \"arguments\": {}}",
              "content <tool_call>",
              "call 0 now",
              "arguments 0 {}"));

  private static final String LLAMA = "{\"name\": \"now\", \"parameters\": {}}";
  private static final String MISTRAL = "[{\"name\": \"now\", \"arguments\": {}}]";

  /** Texts of calls as LLaMA and Mistral write them, and what comes of each. */
  private static final List<List<String>> OTHERS =
      List.of(
          List.of("LLAMA", LLAMA, "call 0 now", "arguments 0 {}"),
          List.of("LLAMA", "\n" + LLAMA + "\n", "call 0 now", "arguments 0 {}"),
          List.of("LLAMA", "好 {" + LLAMA, "content 好 {", "call 0 now", "arguments 0 {}"),
          List.of(
              "LLAMA",
              "{\"name\": \"weather\", \"parameters\": {\"city\": \"}\"} }",
              "call 0 weather",
              "arguments 0 {\"city\": \"}\"}"),
          List.of(
              "LLAMA",
              LLAMA.replace("now", "later") + NOW,
              "content " + LLAMA.replace("now", "later") + NOW),
          List.of("LLAMA", MISTRAL, "content " + MISTRAL),
          List.of("MISTRAL", MISTRAL, "call 0 now", "arguments 0 {}"),
          List.of(
              "MISTRAL",
              " [{\"name\": \"weather\", \"arguments\": {\"a\": [1]}, \"id\": \"abcdefghi\"}, "
                  + MISTRAL.substring(1),
              "call 0 weather",
              "arguments 0 {\"a\": [1]}",
              "call 1 now",
              "arguments 1 {}"),
          List.of("MISTRAL", "Yes. " + MISTRAL, "content Yes. ", "call 0 now", "arguments 0 {}"),
          List.of(
              "MISTRAL",
              MISTRAL.replace("]", ", {\"x\": 1}]"),
              "call 0 now",
              "arguments 0 {}",
              "content  {\"x\": 1}]"),
          List.of("MISTRAL", LLAMA + "[1]", "content " + LLAMA + "[1]"));

  @Test
  void otherFormsOfCallsAreReadWhereverTheyAreCut() {
    for (List<String> each : OTHERS) {
      CallSyntax syntax = CallSyntax.valueOf(each.get(0));
      for (List<String> pieces : cuts(each.get(1))) {
        assertEquals(
            each.subList(2, each.size()),
            ReadText.of(NAMES, syntax, pieces).events(),
            () -> syntax + " pieces " + pieces);
      }
    }
  }

  /** Texts of calls that do not become complete, and what comes of each. */
  private static final List<List<String>> BROKEN =
      List.of(
          List.of(
              NOW + "\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"北",
              "call 0 now",
              "arguments 0 {}",
              "call 1 weather",
              "arguments 1 {\"city\": \"北"),
          List.of(
              "<tool_call>\n{\"name\": \"now\", \"arguments\": {a}}\n</tool_call>\n" + NOW,
              "call 0 now",
              "arguments 0 {a}",
              "content }\n</tool_call>\n",
              "call 1 now",
              "arguments 1 {}"),
          List.of(
              "<tool_call>\n{\"name\": \"now\", \"arguments\": {} , \"x\": 1}",
              "call 0 now",
              "arguments 0 {}",
              "content  , \"x\": 1}"));

  @Test
  void aTextIsContentAndCallsWhereverItIsCut() {
    List<List<String>> all = new ArrayList<>(TEXTS);
    all.addAll(BROKEN);
    for (List<String> each : all) {
      String text = each.get(0);
      List<String> expected = new ArrayList<>(each.subList(1, each.size()));
      expected.remove("");
      for (List<String> pieces : cuts(text)) {
        assertEquals(expected, ReadText.of(NAMES, pieces).events(), () -> "pieces " + pieces);
      }
    }
  }

  /** The whole text, each cut into two, and one character after the other. */
  private static List<List<String>> cuts(String text) {
    List<List<String>> cuts = new ArrayList<>();
    for (int i = 0; i <= text.length(); i++) {
      cuts.add(List.of(text.substring(0, i), text.substring(i)));
    }
    cuts.add(List.of(text.split("")));
    return cuts;
  }

  @Test
  void completeCallsAreThoseWhoseObjectIsClosed() {
    for (List<String> each : TEXTS) {
      ReadText read = ReadText.of(NAMES, List.of(each.get(0)));
      assertFalse(read.isIncomplete(), each.get(0));
      assertEquals(read.ids(), read.calls().stream().map(ToolCall::id).toList());
    }
    for (List<String> each : BROKEN) {
      ReadText read = ReadText.of(NAMES, List.of(each.get(0)));
      assertTrue(read.isIncomplete(), each.get(0));
      assertEquals(read.ids().size() - 1, read.calls().size(), each.get(0));
    }
  }

  @Test
  void argumentsComeAsTheyAreWritten() {
    List<String> pieces = new ArrayList<>();
    ToolCallReader reader = new ToolCallReader(NAMES, CallSyntax.HERMES);
    ToolCallReader.Sink sink =
        new ToolCallReader.Sink() {
          @Override
          public void content(String text) {
            pieces.add(text);
          }

          @Override
          public void call(int index, String id, String name) {
            pieces.add(name);
          }

          @Override
          public void arguments(int index, String fragment) {
            pieces.add(fragment);
          }
        };
    reader.accept("Yes. <tool", sink);
    assertEquals(List.of("Yes. "), pieces);
    reader.accept("_call>\n{\"name\": \"weather\", \"arguments\": ", sink);
    assertEquals(List.of("Yes. "), pieces);
    reader.accept("{\"city\"", sink);
    assertEquals(List.of("Yes. ", "weather", "{\"city\""), pieces);
    reader.accept(": \"北", sink);
    assertTrue(reader.hasIncompleteCall());
    reader.accept("京\"}}", sink);
    assertEquals(List.of("Yes. ", "weather", "{\"city\"", ": \"北", "京\"}"), pieces);
    assertEquals("{\"city\": \"北京\"}", reader.calls().get(0).arguments());
    assertFalse(reader.hasIncompleteCall());
    reader.accept("\n</tool_call>", sink);
    reader.finish(sink);
    assertEquals(5, pieces.size());
    assertThrows(IllegalStateException.class, () -> reader.accept("", sink));
    assertThrows(IllegalStateException.class, () -> reader.finish(sink));
  }

  @Test
  void anEndMarkThatIsCutIsNoContent() {
    for (int length = NOW.indexOf("}}") + 2; length <= NOW.length(); length++) {
      ReadText read = ReadText.of(NAMES, List.of(NOW.substring(0, length)));
      assertEquals("", read.content());
      assertEquals(1, read.calls().size());
    }
  }

  @Test
  void withoutNamesEverythingIsContentAtOnce() {
    List<String> pieces = List.of("<tool_call>\n{\"name\": \"n", "ow\", \"arguments\": {}}", " ");
    ReadText read = ReadText.of(Set.of(), pieces);
    assertEquals(List.of("content " + String.join("", pieces)), read.events());
  }

  @Test
  void idsAreLettersAndDigitsThatDiffer() {
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < 200; i++) {
      ids.addAll(ReadText.of(NAMES, List.of(NOW + NOW)).ids());
    }
    assertEquals(400, ids.size());
    ids.forEach(id -> assertTrue(id.matches("call_[A-Za-z0-9]{24}"), id));
  }

  /** Parts of calls in any order: nothing is lost, and cuts do not matter. */
  @Test
  void anyTextIsReadTheSameHoweverItIsCut() {
    String[] parts = {
      "<tool_call>",
      "</tool_call>",
      "\n",
      "{",
      "}",
      "\"name\": ",
      "\"now\"",
      "\"weather\"",
      ", ",
      "\"arguments\": ",
      "{}",
      "{\"a\": \"\\\"\"}",
      "[",
      "]",
      "\"",
      "\\",
      "<tool",
      "好",
      " ",
      "}}",
      "<tool_call>\n{\"name\": \"now\", \"arguments\": ",
      NOW,
      LLAMA,
      MISTRAL,
      MISTRAL.substring(1, MISTRAL.length() - 1),
      "{\"name\": \"",
      "\"parameters\": ",
      " ".repeat(1000),
      "x".repeat(50)
    };
    Random random = new Random(20250301);
    for (int round = 0; round < 6000; round++) {
      CallSyntax syntax = CallSyntax.values()[round % 3];
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(14); i >= 0; i--) {
        text.append(parts[random.nextInt(parts.length)]);
      }
      ReadText whole = ReadText.of(NAMES, syntax, List.of(text.toString()));
      List<String> pieces = new ArrayList<>();
      for (int at = 0; at < text.length(); ) {
        int to = Math.min(text.length(), at + 1 + random.nextInt(random.nextInt(20) + 1));
        pieces.add(text.substring(at, to));
        at = to;
      }
      assertEquals(
          whole.events(),
          ReadText.of(NAMES, syntax, pieces).events(),
          () -> syntax + " pieces " + pieces);
      whole.calls().forEach(call -> assertTrue(CallText.isObject(call.arguments())));
      if (whole.ids().isEmpty()) {
        assertEquals(text.toString(), whole.content());
      }
    }
  }

  @Test
  void longTextsAreReadInTimeThatGrowsWithThem() {
    String inner = "[".repeat(100_000) + "]".repeat(100_000);
    String call = "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": " + inner + "}}";
    ReadText read = ReadText.of(NAMES, List.of(call.split("")));
    assertEquals("{\"a\": " + inner + "}", read.calls().get(0).arguments());
    String blank = " ".repeat(100_000);
    assertEquals(blank, ReadText.of(NAMES, List.of(blank.split(""))).content());
  }
}
