package dev.baichuan4j.server.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class WorkerCommandTest {
  private static final int WRONG_USE = 2;

  private final StringWriter said = new StringWriter();

  private int run(String... options) {
    CommandLine line = new CommandLine(new WorkerCommand());
    line.setErr(new PrintWriter(said, true));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    return line.execute(options);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--host 0.0.0.0 | give --no-auth if that is meant",
        "--host 0.0.0.0 --no-auth | --worker-address beside it",
        "--host :: --no-auth | --worker-address beside it",
        "--host no.such.host.example | expected an address of this machine",
        "--port 65536 | --port has value 65536",
        "--controller localhost:21001 | expected a URL such as http://localhost:21001",
        "--worker-address ftp://here | --worker-address has value ftp://here",
        "--heart-beat-interval 0 | --heart-beat-interval has value 0",
        "--limit-worker-concurrency 0 | --limit-worker-concurrency has value 0",
        "--stream-interval 0 | --stream-interval has value 0",
        "--drain -1 | --drain has value -1",
        "--threads -1 | --threads has value -1",
        "--device gpu | --device has value gpu",
        "--conv-template vicuna | expected one of [baichuan-chat, baichuan2-chat, zero_shot]",
        "--model-names a,,b | --model-names has value [a, , b]",
        "--model /no/such/folder | expected a checkpoint's folder that exists",
      })
  void whatCannotBeIsRefusedBeforeAModelIsLoaded(String options, String message) {
    assertEquals(WRONG_USE, run(options.split(" ")));
    assertTrue(said.toString().contains(message), said::toString);
  }

  @Test
  void everyOptionIsInTheDocument() throws Exception {
    Path root = Path.of(System.getProperty("baichuan4j.root"));
    String document = Files.readString(root.resolve("docs/fastchat.md"));
    for (OptionSpec option : new CommandLine(new WorkerCommand()).getCommandSpec().options()) {
      if (!option.usageHelp() && !option.versionHelp()) {
        assertTrue(document.contains(option.shortestName()), option::longestName);
      }
    }
  }
}
