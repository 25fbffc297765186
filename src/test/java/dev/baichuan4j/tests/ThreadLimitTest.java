package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Models in a process that may have no more threads (ulimit -u): a typed exception with the
 * numbers, and a process that goes on. The limit counts the threads of a user, so that the process
 * runs as a user of its own where the tests run as root, whom no such limit binds.
 */
@EnabledOnOs(OS.LINUX)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ThreadLimitTest {
  private static final String USER = "54321";
  private static final String MARK = "> ";

  /** Does what its standard input asks for and answers in a line each. */
  static final class Loads {
    public static void main(String[] args) throws IOException {
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String answer =
            switch (line) {
              case "threads" -> String.valueOf(threads());
              case "maps" -> maps();
              default -> load(Path.of(args[0]), Integer.parseInt(line));
            };
        System.out.println(MARK + answer);
      }
    }

    private static String load(Path folder, int threads) {
      try (Baichuan model = Baichuan.loader(folder).device(Device.cpu()).threads(threads).load()) {
        return "loaded " + model.tokenizer().encode("baichuan").length;
      } catch (RuntimeException | Error e) {
        return e.toString();
      }
    }

    /** Threads, once none that has ended is listed any more: the kernel drops it a little later. */
    private static long threads() throws IOException {
      long least = Long.MAX_VALUE;
      for (int same = 0; same < 20; same++) {
        long now = tasks();
        if (now < least) {
          least = now;
          same = 0;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
      }
      return least;
    }

    private static long tasks() throws IOException {
      try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
        return tasks.count();
      }
    }

    private static String maps() throws IOException {
      try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
        return String.valueOf(lines.filter(line -> line.endsWith("model.safetensors")).count());
      }
    }
  }

  @TempDir Path folder;
  private boolean root;
  private Process process;
  private BufferedReader answers;

  @BeforeEach
  void start() throws Exception {
    root = output("id", "-u").equals("0");
    assumeTrue(!output("prlimit", "--version").isEmpty(), "prlimit of util-linux is not installed");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    Path model = folder.resolve("model");
    copy(Fixtures.model("tiny-baichuan-7b"), model);
    List<String> command = new ArrayList<>(asUser());
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // No thread of the JVM's own comes or goes.
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:-UseDynamicNumberOfCompilerThreads"));
    command.addAll(List.of("-Xmx256m", "-Duser.home=" + folder));
    command.add("-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("cache"));
    command.addAll(List.of("-cp", readableClassPath(), Loads.class.getName(), model.toString()));
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    answers = process.inputReader();
  }

  @AfterEach
  void stop() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  @Test
  void fewThreadsAreAnExceptionThatSaysHowManyThereAre() throws Exception {
    assumeTrue(root, "needs root, to run as a user who has no other threads");
    assertTrue(ask("2").startsWith("loaded "));
    int before = Integer.parseInt(ask("threads"));
    limit(before + 5);
    Matcher refused =
        Pattern.compile(
                "dev.baichuan4j.DeviceException: threads: process may have (\\d+) more, expected"
                    + " 63 \\(.*\\); lower threads or raise ulimit -u / pids.max")
            .matcher(ask("64"));
    assertTrue(refused.matches(), refused::toString);
    assertTrue(Integer.parseInt(refused.group(1)) <= 5, refused::toString);
    assertTrue(ask("2").startsWith("loaded "), "fewer threads are to be had all the same");
  }

  @Test
  void noThreadIsAnExceptionAndNothingIsLeftBehind() throws Exception {
    assertTrue(ask("2").startsWith("loaded "));
    int before = Integer.parseInt(ask("threads"));
    limit(1);
    String workers = ask("2");
    assertTrue(
        workers.startsWith(
            "dev.baichuan4j.DeviceException: threads: process may have 0 more, expected 1 ("),
        workers);
    String engine = ask("1");
    assertTrue(
        engine.startsWith(
            "dev.baichuan4j.DeviceException: threads: process may have 0 more, expected 1 for the"
                + " engine ("),
        engine);
    assertEquals("0", ask("maps"), "mapped weights of the models that were not made");
    limit(1024);
    assertTrue(ask("2").startsWith("loaded "));
    assertEquals("0", ask("maps"));
    String threads = ask("threads");
    for (int i = 0; i < 600 && Integer.parseInt(threads) > before; i++) {
      Thread.sleep(100); // a thread that was joined may be listed until the system put it away
      threads = ask("threads");
    }
    assertTrue(Integer.parseInt(threads) <= before, threads + " threads, before " + before);
  }

  @Test
  void noThreadForTheFirstModelIsAnExceptionToo() throws Exception {
    ask("threads"); // the JVM has started
    limit(1);
    for (int i = 0; i < 2; i++) {
      String first = ask("1");
      assertTrue(
          first.startsWith(
              "dev.baichuan4j.DeviceException: threads: process may have 0 more, expected 1 for"
                  + " JavaCPP ("),
          first);
    }
    limit(1024);
    assertTrue(ask("2").startsWith("loaded "));
  }

  private String ask(String what) throws IOException {
    process.getOutputStream().write((what + "\n").getBytes());
    process.getOutputStream().flush();
    String line = answers.readLine();
    while (line != null && !line.startsWith(MARK)) { // the JVM warns of its own threads there
      line = answers.readLine();
    }
    assertTrue(line != null, () -> "the JVM has ended, exit code " + exitCode());
    return line.substring(MARK.length());
  }

  private String exitCode() {
    try {
      return process.waitFor(1, TimeUnit.MINUTES) ? "" + process.exitValue() : "none";
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Sets how many threads the user of the process may have. The hard limit stays. */
  private void limit(int threads) throws Exception {
    List<String> command = new ArrayList<>(asUser());
    command.addAll(List.of("prlimit", "--pid", "" + process.pid(), "--nproc=" + threads + ":"));
    int code = new ProcessBuilder(command).inheritIO().start().waitFor();
    assertEquals(0, code, command::toString);
  }

  private List<String> asUser() {
    return root
        ? List.of("setpriv", "--reuid=" + USER, "--regid=" + USER, "--clear-groups")
        : List.of();
  }

  private static String output(String... command) throws Exception {
    try {
      Process process = new ProcessBuilder(command).start();
      String text = new String(process.getInputStream().readAllBytes()).strip();
      return process.waitFor() == 0 ? text : "";
    } catch (IOException notInstalled) {
      return "";
    }
  }

  /** This class path, copied to where every user may read. */
  private String readableClassPath() throws IOException {
    List<String> entries = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path source = Path.of(entry);
      if (Files.exists(source)) {
        Path target = folder.resolve("class-path").resolve("" + entries.size());
        copy(source, target.resolve(source.getFileName()));
        entries.add(target.resolve(source.getFileName()).toString());
      }
    }
    return String.join(File.pathSeparator, entries);
  }

  private static void copy(Path source, Path target) throws IOException {
    try (Stream<Path> files = Files.walk(source)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Path to = target.resolve(source.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(to);
        } else {
          Files.createDirectories(to.getParent());
          Files.copy(file, to);
          Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("rw-r--r--"));
        }
      }
    }
  }
}
