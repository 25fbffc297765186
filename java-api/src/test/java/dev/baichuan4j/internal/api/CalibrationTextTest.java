package dev.baichuan4j.internal.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.baichuan4j.Calibration;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.PromptFormat;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A calibration sees the tokens that the model reads and writes. */
class CalibrationTextTest {
  private static final Path MODEL = Path.of("../models/tiny-baichuan2-13b-chat");
  private static final int USER = 195;
  private static final int ASSISTANT = 196;
  private static final int END = 2;

  @TempDir Path folder;

  private int[] ids(String name, String content, PromptFormat format) throws IOException {
    Path file = Files.writeString(folder.resolve(name), content);
    // One window has all of it.
    Calibration calibration = new Calibration(file, 1 << 16, 1 << 24);
    return CalibrationText.tokens(calibration, Checkpoint.open(MODEL), format).ids();
  }

  private static IntStream said(int role, String text) {
    int[] ids = Tokenizer.load(MODEL).encode(text);
    return IntStream.concat(IntStream.of(role), IntStream.of(ids));
  }

  @Test
  void conversationsFollowEachOtherAsTheModelIsAskedByThem() throws IOException {
    String lines =
        """
        {"messages": [{"role": "system", "content": "诗"}, {"role": "user", "content": "明月几时有"}]}

        {"id": 7, "messages": [{"role": "user", "content": "谁写的？"}, {"content": "苏轼", "role": "assistant"}]}
        """;
    int[] system = Tokenizer.load(MODEL).encode("诗");
    IntStream first =
        IntStream.concat(
            IntStream.concat(IntStream.of(system), said(USER, "明月几时有")), IntStream.of(ASSISTANT));
    IntStream second =
        IntStream.concat(
            IntStream.concat(said(USER, "谁写的？"), said(ASSISTANT, "苏轼")), IntStream.of(END));
    assertArrayEquals(IntStream.concat(first, second).toArray(), ids("chats.jsonl", lines, null));
    // The older format has no text of the system.
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class, () -> ids("older.jsonl", lines, PromptFormat.OLDER));
    assertEquals(
        folder.resolve("older.jsonl") + ": line 1 has one that it cannot: ",
        e.getMessage().substring(0, e.getMessage().indexOf("messages[0]")));
  }

  @Test
  void aTextIsReadAsItIs() throws IOException {
    String text = "明月几时有，把酒问青天。";
    Tokenizer tokenizer = Tokenizer.load(MODEL);
    assertArrayEquals(tokenizer.asWholeText(tokenizer.encode(text)), ids("chats.txt", text, null));
  }
}
