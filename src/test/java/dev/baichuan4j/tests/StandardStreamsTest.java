package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Standard output that fails or that nobody reads, and standard input that is not there. */
@EnabledOnOs(OS.LINUX)
class StandardStreamsTest {
  @TempDir Path folder;

  private Program program;

  @BeforeEach
  void program() {
    program = new Program(folder);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "--version",
        "generate --help",
        "generate --prompt a --max-new-tokens 2",
        "generate --prompt a --max-new-tokens 2 --json",
        "tokenize a",
        "tokenize --lines <<<'\"a\"'",
        "chat --message a --max-new-tokens 2",
        "chat --max-new-tokens 2 <<<a",
        "logits --prompt a",
        "perplexity --file text",
        "bench --random 128x1x64x256 -p 2 -n 2 -r 1 --threads 1",
        "bench --serve --random 128x1x64x256 --requests 1 --new-tokens 2 --threads 1",
        "doctor",
        "doctor --json"
      })
  void outputThatCannotBeWrittenIsAFailureWithAMessage(String command) throws Exception {
    Files.writeString(folder.resolve("text"), "ab ab");
    Program.Run run = program.shell("baichuan " + command + " >/dev/full");
    assertEquals(1, run.code(), run.err());
    assertTrue(
        run.err().contains("baichuan: standard output has failed with No space left on device"),
        run.err());
    assertFalse(run.err().contains("\tat "), run.err());
  }

  /** 141 is what a shell says of a program that SIGPIPE has ended. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "generate --temperature 1 --seed 1 --max-new-tokens 500 --prompt a",
        "chat --temperature 1 --seed 1 --max-new-tokens 500 --message a",
        "tokenize --lines < <(yes '\"a\"')"
      })
  void generationStopsWhenItsReaderGoes(String command) throws Exception {
    Program.Run run = program.shell("baichuan " + command + " | head -c 1; exit ${PIPESTATUS[0]}");
    assertEquals(141, run.code(), run.err());
    assertEquals(1, run.out().length(), run.out());
    assertFalse(run.err().contains("Broken pipe"), run.err());
    assertFalse(run.err().contains("\tat "), run.err());
  }

  @ParameterizedTest
  @ValueSource(strings = {"chat", "tokenize --lines"})
  void closedStandardInputIsTheEndOfIt(String command) throws Exception {
    Program.Run run = program.shell("exec \"${baichuan[@]}\" " + command + " <&-");
    assertEquals(0, run.code(), run.err());
    assertEquals("", run.out());
  }

  /** A time that grows with the square of the length would be far above a test's patience. */
  @Test
  void aLineOfManyMegabytesIsReadAndTheConversationGoesOn() throws Exception {
    String line = "百川大模型你好吗".repeat(170_000); // 4 MB
    Program.Run run = program.run(line + "\n/help\n", "chat", "--greedy", "--max-new-tokens", "1");
    assertTrue(run.out().contains("/load FILE"), run.err());
    assertFalse(run.err().contains("\tat "), run.err());
  }

  @Test
  void bytesThatAreNotTextAreNamed() throws Exception {
    for (String command : new String[] {"chat --max-new-tokens 1", "tokenize --lines"}) {
      Program.Run run = program.shell("printf '\"a\"\\n\"b\\377\"\\n' | baichuan " + command);
      assertEquals(2, run.code(), run.err());
      assertTrue(
          run.err().contains("line 2 of standard input has byte 0xFF at offset 2, expected UTF-8"),
          run.err());
      assertEquals(1, run.out().lines().count(), run.out());
    }
  }
}
