package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ctrl-C and TERM end a command, which takes away what it has half written. */
@EnabledOnOs(OS.LINUX)
class InterruptionTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"INT, 130", "TERM, 143"})
  void generationEnds(String signal, int code) throws Exception {
    Program program = new Program(folder);
    // Long enough for the test: an end marker or a line break never comes.
    Process process =
        start(
            program,
            "generate --temperature 1 --logit-bias 2=-100 --max-new-tokens 1000 --prompt a --threads 1");
    while (program.read("out").isEmpty()) {
      requireAlive(program, process);
      Thread.sleep(5);
    }
    Program.Run run = interrupt(program, process, signal);
    assertEquals(code, run.code(), run.err());
    assertFalse(run.err().contains("\tat "), run.err());
  }

  @ParameterizedTest
  @CsvSource({"INT, 130", "TERM, 143"})
  void quantizeLeavesNothingBehind(String signal, int code) throws Exception {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    Program program = new Program(folder);
    Process process =
        start(
            program,
            "quantize --weights int4 --threads 1 --out disk/int4 --model "
                + Program.quote(Fixtures.model("tiny-baichuan2-13b-chat").toString()));
    while (list(disk).isEmpty()) {
      requireAlive(program, process);
      Thread.onSpinWait();
    }
    Program.Run run = interrupt(program, process, signal);
    assertEquals(code, run.code(), run.err());
    assertEquals(List.of(), list(disk));
    assertFalse(run.err().contains("\tat "), run.err());
  }

  /** With the signal's own effect, which a build in the background would have taken from it. */
  private static Process start(Program program, String command) throws Exception {
    return program.start("exec env --default-signal=INT \"${baichuan[@]}\" " + command);
  }

  private static void requireAlive(Program program, Process process) throws Exception {
    if (!process.isAlive()) {
      fail("the program has ended too early: " + program.read("err"));
    }
  }

  private static Program.Run interrupt(Program program, Process process, String signal)
      throws Exception {
    Process kill = new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start();
    assertTrue(kill.waitFor() == 0, "the program has ended before the signal");
    return program.finish(process);
  }

  private static List<Path> list(Path folder) throws Exception {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }
}
