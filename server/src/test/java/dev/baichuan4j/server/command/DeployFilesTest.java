package dev.baichuan4j.server.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The files of {@code deploy} say nothing that the server does not know. */
class DeployFilesTest {
  private static final Path DEPLOY =
      Path.of(System.getProperty("baichuan4j.root")).resolve("deploy");

  private final CommandLine command =
      new CommandLine(new ServeCommand()).setCaseInsensitiveEnumValuesAllowed(true);

  private static String read(String file) throws IOException {
    return Files.readString(DEPLOY.resolve(file));
  }

  private void assertOption(String file, String name) {
    assertTrue(
        command.getCommandSpec().findOption("--" + name) != null,
        () -> file + " has " + name + ", expected an option of the server");
  }

  @Test
  void theConfigurationOfSystemdIsOneOfTheServer() {
    Map<String, List<String>> values = OptionFile.read(DEPLOY.resolve("systemd/server.conf"));
    assertFalse(values.isEmpty());
    values.keySet().forEach(name -> assertOption("server.conf", name));
    String[] arguments =
        values.entrySet().stream()
            .flatMap(e -> e.getValue().stream().map(value -> "--" + e.getKey() + "=" + value))
            .toArray(String[]::new);
    command.parseArgs(arguments); // A wrong value is an exception.
  }

  @Test
  void theVariablesOfTheImageAreOptions() throws IOException {
    List<String> names =
        Pattern.compile(Configuration.PREFIX + "([A-Z_]+)=")
            .matcher(read("Dockerfile"))
            .results()
            .map(match -> match.group(1).toLowerCase(Locale.ROOT).replace('_', '-'))
            .toList();
    assertEquals(List.of("host", "port", "model", "api-key-file"), names);
    names.forEach(name -> assertOption("Dockerfile", name));
  }

  @Test
  void theArgumentsAndProbesOfKubernetesAreThoseOfTheServer() throws IOException {
    String deployment = read("kubernetes/base/deployment.yaml");
    MatchResult arguments =
        Pattern.compile("args: \\[(.*)]").matcher(deployment).results().findFirst().orElseThrow();
    command.parseArgs(arguments.group(1).replaceAll("[\", ]+", " ").strip().split(" "));
    MatchResult device =
        Pattern.compile("value: (--\\S+)")
            .matcher(read("kubernetes/gpu/kustomization.yaml"))
            .results()
            .findFirst()
            .orElseThrow();
    command.parseArgs(device.group(1));
    assertTrue(deployment.contains("path: /ready") && deployment.contains("path: /health"));
  }

  @Test
  void supervisorsWaitLongerThanTheServer() throws IOException {
    int drain = number("systemd/server.conf", "drain = (\\d+)");
    assertTrue(number("systemd/baichuan4j-server.service", "TimeoutStopSec=(\\d+)") > drain);
    int pod = number("kubernetes/base/deployment.yaml", "\"--drain\", \"(\\d+)\"");
    assertTrue(
        number("kubernetes/base/deployment.yaml", "terminationGracePeriodSeconds: (\\d+)") > pod);
  }

  private static int number(String file, String pattern) throws IOException {
    return Pattern.compile(pattern)
        .matcher(read(file))
        .results()
        .map(match -> Integer.parseInt(match.group(1)))
        .findFirst()
        .orElseThrow();
  }
}
