package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Nothing that goes wrong in {@code chat} ends it or loses the conversation. */
class ConversationTest {
  @TempDir Path folder;

  private Program.Run chat(Program program, String input) throws Exception {
    return program.run(input, "chat", "--greedy", "--max-new-tokens", "4");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "vim | printf '\\377' > | it has byte 0xFF at offset 0, expected UTF-8",
        "vim | no-such-editor | editor no-such-editor is not there",
        "vim | false # | editor false # has failed with exit code 1",
        "/save a\0b | true | expected the name of a file: Nul character not allowed",
        "/save /no/such/folder/x | true | expected a file that can be written: there is none",
        "/save . | true | expected a file that can be written: it is a folder",
        "/save /dev/null | true | expected a file that can be written: it is there and not a file",
        "/save | true | /save has no file",
        "/load . | true | expected a saved conversation: it is a folder",
        "/load no-such-file | true | expected a saved conversation: there is none",
        "/load bad.json | true | expected a saved conversation: message 0 has no role",
        "/nonsense | true | unknown command /nonsense"
      })
  void afterWhatFailsTheConversationGoesOn(String line, String editor, String message)
      throws Exception {
    Files.writeString(folder.resolve("bad.json"), "[{\"role\": \"poet\", \"content\": \"\"}]");
    Path saved = folder.resolve("saved.json");
    Program.Run run =
        chat(
            new Program(folder).with("EDITOR", editor), "你是谁\n" + line + "\n/save " + saved + "\n");
    assertTrue(run.err().contains(message), run.err());
    assertEquals(1, run.code(), run.err()); // of a script, one line of which has failed
    JsonNode messages = Fixtures.json(saved);
    assertEquals(2, messages.size());
    assertEquals("你是谁", messages.get(0).get("content").asText());
  }

  @Test
  void theEditorWritesAMessageAndReadsNoneOfTheInput() throws Exception {
    // In octal: Java hands a variable on in the locale's character set.
    String text = "\\344\\275\\240\\346\\230\\257\\350\\260\\201\\n";
    Program.Run run =
        chat(
            new Program(folder).with("EDITOR", "(cat; printf '" + text + "') >"),
            "vim\n/history\n");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("user: 你是谁\n"), run.out());
    assertFalse(run.out().contains("user: /history"), run.out());
  }

  /** A limit on the length of files stands in for the full disk. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void aFileThatCannotBeSavedWholeStaysAsItWas() throws Exception {
    Path large = folder.resolve("large.json");
    String content = "百".repeat(200_000);
    Files.writeString(
        large,
        "[{\"role\": \"user\", \"content\": \""
            + content
            + "\"},"
            + " {\"role\": \"assistant\", \"content\": \"x\"}]");
    Path saved = Files.writeString(Files.createDirectory(folder.resolve("s")).resolve("x"), "old");
    Program.Run run =
        new Program(folder)
            .shell(
                // What JavaCPP extracts at the first start is longer than the limit.
                "baichuan --version && ulimit -f 300; printf '/load "
                    + large
                    + "\\n/save "
                    + saved
                    + "\\n' | baichuan chat");
    assertEquals(1, run.code(), run.err());
    assertTrue(run.err().contains("/save has value " + saved), run.err());
    assertEquals("old", Files.readString(saved));
    try (Stream<Path> files = Files.list(saved.getParent())) {
      assertEquals(1, files.count());
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aSessionGoesOnFromItsFile() throws Exception {
    Program program = new Program(folder);
    String[] chat = {"chat", "--greedy", "--max-new-tokens", "4", "--session", "s"};
    String first = program.run("你是谁\n", chat).requireCode(0).out().strip();
    byte[] saved = Files.readAllBytes(folder.resolve("s"));
    // A limit on the length of files stands in for the full disk.
    Program.Run full =
        program.shell(
            "ulimit -f "
                + (saved.length - 1) / 1024
                + "; printf '你好\n"
                + "/history\n"
                + "' | baichuan chat --greedy --max-new-tokens 4 --session s");
    assertEquals(1, full.code(), full.err());
    assertTrue(full.err().contains("s: writing has failed"), full.err());
    assertArrayEquals(saved, Files.readAllBytes(folder.resolve("s")));
    assertFalse(Files.exists(folder.resolve(".s.partial")));
    assertTrue(full.out().contains("user: 你是谁\nassistant: " + first + "\nuser: 你好\n"), full.out());
    Program.Run other = program.run("", "chat", "--session", "s", "--system", "你是百川");
    assertEquals(2, other.code(), other.err());
    assertTrue(other.err().contains("--system has another text"), other.err());
  }

  @Test
  void linesThatArePipedInAreNotKept() throws Exception {
    Path home = Files.createDirectory(folder.resolve("home"));
    Program program = new Program(folder).with("HOME", home.toString());
    assertEquals(0, chat(program, "你是谁\nexit\n").code());
    try (Stream<Path> files = Files.walk(home)) {
      assertEquals(1, files.count(), "of the home there is the folder alone");
    }
  }

  /** {@code script} gives the program a terminal. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void linesOfATerminalAreKeptForTheirOwnerAlone() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "util-linux's script is not there");
    assumeTrue(
        new Program(folder).shell("script -qec true /dev/null").code() == 0,
        "this system gives no pseudo-terminals, as where /dev/pts is not mounted");
    Path state = folder.resolve("state");
    Program program = new Program(folder).with("XDG_STATE_HOME", state.toString());
    Program.Run run =
        program.shell(
            "{ echo -n 'exec '; printf '%q ' \"${baichuan[@]}\"; echo chat --greedy; } > chat.sh\n"
                + "{ for i in {1..1200}; do grep -q 欢迎 screen && break; sleep 0.1; done\n"
                + "  printf '/help\\r'; sleep 1; printf 'exit\\r'; sleep 1; } 2>/dev/null |"
                + " script -qefc 'stty cols 80 rows 24; exec bash chat.sh' screen");
    assertEquals(0, run.code(), run.out() + run.err());
    Path history = state.resolve("baichuan").resolve("history");
    assertTrue(Files.readString(history).contains("/help"), Files.readString(history));
    assertEquals(
        "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(history)));
  }
}
