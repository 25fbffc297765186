package dev.baichuan4j.internal.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExampleFileTest {
  @TempDir Path folder;

  private List<Example> read(String name, String text) throws IOException {
    List<Example> examples = new ArrayList<>();
    ExampleFile.read(Files.writeString(folder.resolve(name), text), examples::add);
    return examples;
  }

  private static List<ChatMessage> messages(Example example) {
    return ((Example.Conversation) example).messages();
  }

  private static ChatMessage message(Role role, String text) {
    return new ChatMessage(role, text);
  }

  @Test
  void everyFormIsRead() throws IOException {
    List<Example> examples =
        read(
            "all.jsonl",
            """
            {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}, \
            {"role": "assistant", "content": "a", "weight": 1}], "id": 7}

            {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}
            {"instruction": "do", "input": "", "output": "done"}
            {"instruction": "do", "input": "this", "output": "done", "system": "s"}
            {"instruction": "do", "output": "done"}
            {"text": "words"}
            """);
    List<ChatMessage> turn = List.of(message(Role.USER, "q"), message(Role.ASSISTANT, "a"));
    List<ChatMessage> done = List.of(message(Role.USER, "do"), message(Role.ASSISTANT, "done"));
    assertEquals(6, examples.size());
    assertEquals(turn, messages(examples.get(0)).subList(1, 3));
    assertEquals(message(Role.SYSTEM, "s"), messages(examples.get(0)).get(0));
    assertEquals(turn, messages(examples.get(1)));
    assertEquals(done, messages(examples.get(2)));
    assertEquals(message(Role.USER, "do\nthis"), messages(examples.get(3)).get(1));
    assertEquals(done, messages(examples.get(4)));
    assertEquals("words", ((Example.Text) examples.get(5)).text());
    assertEquals("line 3", examples.get(1).place());
  }

  @Test
  void pairsOfAnswersAreRead() throws IOException {
    List<Example> examples =
        read(
            "pairs.jsonl",
            """
            {"prompt": "q", "chosen": "a", "rejected": "b"}
            {"messages": [{"role": "user", "content": "q"}], "chosen": {"role": "assistant", \
            "content": "a"}, "rejected": {"content": "b"}}
            {"conversations": [{"from": "human", "value": "q"}], "chosen": {"from": "gpt", \
            "value": "a"}, "rejected": {"value": "b"}}
            {"instruction": "q", "input": "", "chosen": [{"role": "user", "content": "q"}, \
            {"role": "assistant", "content": "a"}], "rejected": "b"}
            """);
    assertEquals(4, examples.size());
    for (Example example : examples) {
      Example.Preference pair = (Example.Preference) example;
      assertEquals(List.of(message(Role.USER, "q")), pair.messages());
      assertEquals("a", pair.chosen());
      assertEquals("b", pair.rejected());
    }
  }

  @Test
  void anArrayIsReadAsLinesAre() throws IOException {
    List<Example> examples = read("all.json", "[\n{\"text\": \"a\"},\n\n{\"text\": \"b\"}]");
    assertEquals(List.of("line 2", "line 4"), examples.stream().map(Example::place).toList());
    assertEquals(List.of(), read("none.json", "[]"));
  }

  @Test
  void anotherFileIsOneText() throws IOException {
    List<Example> examples = read("poem.txt", "床前明月光\n");
    assertEquals("床前明月光\n", ((Example.Text) examples.get(0)).text());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"text\": 7} | line 2 | keys [text]",
        "[1] | line 2 | a JSON object",
        "{\"a\": 1 | line | JSON",
        "{\"messages\": []} | line 2 | the last is the assistant's",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}]} | line 2 | the last is",
        "{\"messages\": [{\"role\": \"assistant\", \"content\": \"q\"}]} | line 2 | of the user",
        "{\"messages\": [{\"role\": \"user\", \"content\": 1}]} | line 2 | message 1 with a role",
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}, {\"from\": \"human\", \"value\":"
            + " \"q\"}]} | line 2 | message 2 with a from of the assistant",
        "{\"instruction\": \"do\"} | line 2 | a text as output",
        "{\"prompt\": \"q\", \"chosen\": \"a\"} | line 2 | an answer as rejected",
        "{\"chosen\": \"a\", \"rejected\": \"b\"} | line 2 | prompt, messages, conversations",
        "{\"messages\": [], \"chosen\": \"a\", \"rejected\": \"b\"} | line 2 | the user's",
        "{\"text\": \"a\", \"text\": \"b\"} | line 2 | Duplicate"
      })
  void aBrokenRecordIsNamedByItsLine(String record, String place, String expected) {
    ModelFormatException failure =
        assertThrows(
            ModelFormatException.class,
            () -> read("broken.jsonl", "{\"text\": \"fine\"}\n" + record + "\n"));
    assertTrue(failure.getMessage().contains(place), failure.getMessage());
    assertTrue(failure.getMessage().contains(expected), failure.getMessage());
  }

  @Test
  void aFileThatIsNotThereOrNoTextIsRefused() throws IOException {
    assertThrows(
        ModelFormatException.class, () -> ExampleFile.read(folder.resolve("none"), e -> {}));
    Path bytes = Files.write(folder.resolve("b.jsonl"), new byte[] {'"', (byte) 0xff, '"'});
    assertThrows(ModelFormatException.class, () -> ExampleFile.read(bytes, e -> {}));
  }
}
