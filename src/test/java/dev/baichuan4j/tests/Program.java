package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * The command line as a process of its own. A shell starts it from a script in UTF-8, so that the
 * arguments arrive as they are written here, whatever the locale of the tests.
 */
final class Program {
  /** Far above what any run takes, on a machine that is busy with other work. */
  private static final int PATIENCE_SECONDS = 240;

  /** What a process has printed and its exit code. */
  record Run(int code, String out, String err) {
    JsonNode json() throws IOException {
      return Fixtures.JSON.readTree(out);
    }

    /** Holds the exit code, and shows what was said where it is another. */
    Run requireCode(int expected) {
      assertTrue(
          code == expected, () -> "exit code " + code + ", expected " + expected + ": " + err);
      return this;
    }
  }

  /** Its home, and where files of the runs lie. */
  private final Path folder;

  private final Map<String, String> environment = new HashMap<>();

  Program(Path folder) {
    this.folder = folder;
    environment.put("LC_ALL", "C.UTF-8");
    environment.put("TERM", "dumb");
    environment.put("HOME", folder.toString());
    environment.put("XDG_STATE_HOME", null);
  }

  /** Sets a variable of the environment, or takes it away where the value is null. */
  Program with(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  /** A word that a shell leaves as it is. */
  static String quote(String word) {
    return "'" + word.replace("'", "'\\''") + "'";
  }

  private static String words(List<String> all) {
    return all.stream().map(Program::quote).collect(Collectors.joining(" "));
  }

  /** Runs it with some standard input. */
  Run run(String input, String... arguments) throws Exception {
    Path in = Files.writeString(folder.resolve("in"), input);
    return shell(
        "exec \"${baichuan[@]}\" " + words(Arrays.asList(arguments)) + " <" + quote(in.toString()));
  }

  /** Runs a line of bash in which {@code baichuan} is the program. */
  Run shell(String line) throws Exception {
    return finish(start(line));
  }

  /** Starts such a line; with {@code exec "${baichuan[@]}"} the process is the program itself. */
  Process start(String line) throws IOException {
    List<String> java = new ArrayList<>();
    java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // As the baichuan script does: a start takes half the time.
    java.add("-XX:TieredStopAtLevel=1");
    for (String property : new String[] {"baichuan4j.root", "org.bytedeco.javacpp.cachedir"}) {
      java.add("-D" + property + "=" + System.getProperty(property));
    }
    java.addAll(List.of("-cp", System.getProperty("java.class.path")));
    java.add("dev.baichuan4j.cli.Main");
    String script =
        "baichuan=(" + words(java) + ")\nbaichuan() { \"${baichuan[@]}\" \"$@\"; }\n" + line + "\n";
    Path file = Files.writeString(folder.resolve("script"), script);
    ProcessBuilder builder =
        new ProcessBuilder("bash", file.toString())
            .directory(folder.toFile())
            .redirectOutput(folder.resolve("out").toFile())
            .redirectError(folder.resolve("err").toFile());
    environment.forEach(
        (name, value) -> {
          if (value == null) {
            builder.environment().remove(name);
          } else {
            builder.environment().put(name, value);
          }
        });
    return builder.start();
  }

  /** Waits for the end. */
  Run finish(Process process) throws Exception {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
      fail("the program has not ended after " + PATIENCE_SECONDS + " s; it said " + read("err"));
    }
    return new Run(process.exitValue(), read("out"), read("err"));
  }

  /** What it has printed so far. */
  String read(String stream) throws IOException {
    return new String(Files.readAllBytes(folder.resolve(stream)), StandardCharsets.UTF_8);
  }
}
