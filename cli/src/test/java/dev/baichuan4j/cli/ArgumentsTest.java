package dev.baichuan4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ArgumentsTest {
  private static final String LOST = "\uFFFD".repeat(6);

  private static byte[] commandLine(String... arguments) {
    return (String.join("\0", arguments) + "\0").getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void lostTextComesFromTheCommandLine() throws Exception {
    assertArrayEquals(
        new String[] {"--message", "你好", ""},
        Arguments.recover(
            new String[] {"--message", LOST, ""},
            commandLine("java", "-jar", "x", "--message", "你好", ""),
            StandardCharsets.US_ASCII));
  }

  @Test
  void textOfAnotherCharacterSetStaysAsJavaHasDecodedIt() throws Exception {
    byte[] latin1 = "java\0é\0".getBytes(StandardCharsets.ISO_8859_1);
    assertArrayEquals(
        new String[] {"é"},
        Arguments.recover(new String[] {"é"}, latin1, StandardCharsets.ISO_8859_1));
  }

  @Test
  void lostTextThatTheSystemDoesNotTellIsRefused() {
    for (byte[] line :
        new byte[][] {
          {}, // There is no /proc.
          commandLine("java", "@file"), // Java was started with other arguments.
          "java\0\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\0".getBytes(StandardCharsets.ISO_8859_1)
        }) {
      Exception lost =
          assertThrows(
              Arguments.LostException.class,
              () -> Arguments.recover(new String[] {LOST}, line, StandardCharsets.US_ASCII));
      assertTrue(lost.getMessage().endsWith("set LC_ALL=C.UTF-8"), lost.getMessage());
    }
  }
}
