package dev.baichuan4j.server.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What {@code serve} refuses before it listens, each time with the option's name. */
class ServeCommandTest {
  private static final int WRONG_USE = 2;

  @TempDir Path folder;

  private String refusal(String... arguments) {
    StringWriter err = new StringWriter();
    CommandLine line = new CommandLine(new ServeCommand());
    line.setErr(new PrintWriter(err, true));
    assertEquals(WRONG_USE, line.execute(arguments), err.toString());
    return err.toString();
  }

  @ParameterizedTest
  @CsvSource({
    "--port, 65536",
    "--port, -1",
    "--threads, -1",
    "--max-concurrent, 0",
    "--max-queued, 0",
    "--context-length, 1",
    "--cache-bytes, 0",
    "--device, gpu",
    "--idle-unload, -1",
    "--max-body-bytes, 0",
    "--max-prompt-characters, 0",
    "--max-choices, 0",
    "--max-requests, 0",
    "--requests-at-once, -1",
    "--requests-per-minute, -1",
    "--max-connections, 0",
    "--request-timeout, 0",
    "--header-timeout, 0",
    "--body-timeout, 0",
    "--idle-timeout, 0",
    "--heartbeat, 0",
    "--drain, -1",
    "--model, /nowhere",
    "--host, not-a-host.invalid",
    "--api-key, two words",
    "--api-key-file, /nowhere",
    "--cors-origin, example.org",
    "--tls-keystore, /nowhere",
    "--tls-password-file, /nowhere",
    "--weights, int3",
    "--config, /nowhere",
  })
  void aValueOutOfRangeIsRefused(String option, String value) {
    String refusal = refusal(option, value);
    assertTrue(
        refusal.startsWith(option + " has value") || refusal.contains("'" + option), refusal);
  }

  @Test
  void otherMachinesAreServedWithKeysOrOnPurposeAlone() {
    String refusal = refusal("--host", "0.0.0.0");
    assertTrue(refusal.contains("--api-key"), refusal);
    assertTrue(refusal.contains("--no-auth"), refusal);
    assertTrue(refusal("--no-auth", "--api-key", "k").contains("--no-auth"));
  }

  @Test
  void modelsHaveDifferentNames() throws Exception {
    Path one = Files.createDirectories(folder.resolve("one/same"));
    Path two = Files.createDirectories(folder.resolve("two/same"));
    assertTrue(
        refusal("--model", one.toString(), "--model", two.toString()).contains("no other --model"));
    assertTrue(refusal("--model", "two words=" + one).contains("without spaces"));
  }
}
