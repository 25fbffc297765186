package dev.baichuan4j.server.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** Where the values of options come from, and which are refused. */
class ConfigurationTest {
  @TempDir Path folder;

  private final CommandLine line =
      new CommandLine(new ServeCommand()).setCaseInsensitiveEnumValuesAllowed(true);

  private Configuration complete(Map<String, String> environment, String... flags) {
    line.parseArgs(flags);
    return Configuration.complete(line.getCommandSpec(), environment);
  }

  private <T> T value(String option) {
    return line.getCommandSpec().findOption("--" + option).getValue();
  }

  private Path file(String... lines) throws IOException {
    return Files.write(folder.resolve("server.conf"), List.of(lines));
  }

  private static String print(Configuration configuration) {
    StringWriter text = new StringWriter();
    configuration.print(new PrintWriter(text));
    return text.toString();
  }

  @Test
  void theCommandLineGoesBeforeTheEnvironmentAndThatBeforeTheFile() throws Exception {
    Path file = file("port = 1", "host = ::1", "max-queued=3", "# a comment", "");
    Map<String, String> environment =
        Map.of("BAICHUAN4J_SERVER_PORT", "2", "BAICHUAN4J_SERVER_HOST", "localhost");
    complete(environment, "--port", "4", "--config", file.toString());
    assertEquals(4, this.<Integer>value("port"));
    assertEquals("localhost", this.<String>value("host"));
    assertEquals(3, this.<Integer>value("max-queued"));
    assertEquals(8, this.<Integer>value("max-concurrent"));
  }

  @Test
  void severalValuesStandInLinesOrBetweenCommasAndAreNotMixed() throws Exception {
    Path file = file("model = a=/one", "model = b=/two", "cors-origin = https://file.example");
    complete(
        Map.of(
            "BAICHUAN4J_SERVER_CORS_ORIGIN",
            "https://a.example, https://b.example",
            "BAICHUAN4J_SERVER_CONFIG",
            file.toString()));
    assertEquals(List.of("a=/one", "b=/two"), value("model"));
    assertEquals(List.of("https://a.example", "https://b.example"), value("cors-origin"));
    complete(Map.of("BAICHUAN4J_SERVER_MODEL", "/three"), "--model", "/four", "--model", "/five");
    assertEquals(List.of("/four", "/five"), value("model"));
  }

  @Test
  void aSwitchIsTrueOrFalse() throws Exception {
    complete(
        Map.of("BAICHUAN4J_SERVER_NO_AUTH", "true", "BAICHUAN4J_SERVER_LOG_TEXT", "false"),
        "--any-model");
    assertTrue(this.<Boolean>value("no-auth"));
    assertFalse(this.<Boolean>value("log-text"));
    assertTrue(this.<Boolean>value("any-model"));
    WrongOption wrong =
        assertThrows(
            WrongOption.class, () -> complete(Map.of("BAICHUAN4J_SERVER_NO_AUTH", "maybe")));
    assertTrue(wrong.getMessage().startsWith("--no-auth has value maybe"), wrong.getMessage());
  }

  @Test
  void aWrongValueIsRefusedWithWhereItComesFrom() throws Exception {
    ParameterException wrong =
        assertThrows(
            ParameterException.class,
            () -> complete(Map.of("BAICHUAN4J_SERVER_PORT", "tcp://10.0.0.1:8000")));
    assertTrue(wrong.getMessage().contains("--port"), wrong.getMessage());
    assertTrue(wrong.getMessage().contains("BAICHUAN4J_SERVER_PORT"), wrong.getMessage());
    Path file = file("max-body-bytes = 8 MB");
    wrong =
        assertThrows(
            ParameterException.class, () -> complete(Map.of(), "--config", file.toString()));
    assertTrue(wrong.getMessage().contains("--max-body-bytes"), wrong.getMessage());
    assertTrue(wrong.getMessage().contains(file.toString()), wrong.getMessage());
  }

  @Test
  void whatIsNoOptionIsRefused() throws Exception {
    WrongOption variable =
        assertThrows(WrongOption.class, () -> complete(Map.of("BAICHUAN4J_SERVER_API_KEYS", "x")));
    assertTrue(variable.getMessage().contains("API_KEYS"), variable.getMessage());
    for (String line : List.of("prot = 1", "config = x", "port", "port = 1\nport = 2")) {
      Path file = file(line);
      WrongOption wrong =
          assertThrows(WrongOption.class, () -> complete(Map.of(), "--config", file.toString()));
      assertTrue(wrong.getMessage().contains(line.substring(0, 4)), wrong.getMessage());
    }
    assertThrows(
        WrongOption.class, () -> complete(Map.of(), "--config", folder.resolve("none").toString()));
  }

  @Test
  void whatIsPrintedIsAFileThatGivesTheSameAndTellsNoSecret() throws Exception {
    Path file = file("max-queued = 7");
    String printed =
        print(
            complete(
                Map.of("BAICHUAN4J_SERVER_THREADS", "2"),
                "--config",
                file.toString(),
                "--api-key",
                "ci:correct-horse",
                "--api-key",
                "battery",
                "--weights",
                "int8"));
    assertFalse(printed.contains("horse"), printed);
    assertFalse(printed.contains("battery"), printed);
    assertTrue(printed.contains("api-key = ci:****"), printed);
    assertTrue(printed.contains("# From the command line:"), printed);
    assertTrue(printed.contains("# From the environment, BAICHUAN4J_SERVER_THREADS:"), printed);
    assertTrue(printed.contains("# From the file " + file + ":"), printed);
    assertTrue(printed.contains("# From defaults:"), printed);
    Path again = Files.writeString(folder.resolve("again.conf"), printed);
    complete(Map.of(), "--config", again.toString());
    assertEquals(7, this.<Integer>value("max-queued"));
    assertEquals(2, this.<Integer>value("threads"));
    assertEquals(dev.baichuan4j.Quant.INT8, value("weights"));
    assertEquals(8L << 20, this.<Long>value("max-body-bytes"));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "4096, 4096",
    "2k, 2048",
    "3M, 3145728",
    "16G, 17179869184",
    "1T, 1099511627776"
  })
  void bytesHaveUnits(String text, long bytes) {
    assertEquals(bytes, new ByteCount().convert(text));
  }

  @ParameterizedTest
  @CsvSource({"-1", "1.5G", "8MB", "'8 M'", "999999999999T", "G", "''"})
  void whatIsNoNumberOfBytesIsRefused(String text) {
    assertThrows(CommandLine.TypeConversionException.class, () -> new ByteCount().convert(text));
  }
}
