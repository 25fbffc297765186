package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script {@code ./baichuan}, in a folder of its own that has what it starts and no sources: the
 * real command line, or a Maven that only pretends to build it.
 */
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {
  private static final Path ROOT = Path.of(System.getProperty("baichuan4j.root"));
  private static final Path BUILT = ROOT.resolve("cli/target");
  private static final String[] ANSWER = {"chat", "--message", "hello", "--greedy", "--json"};

  @TempDir Path folder;
  private Path home;

  private record Run(int code, String out, String err) {}

  @BeforeEach
  void copyTheScript() throws IOException {
    home = Files.createDirectory(folder.resolve("home"));
    Files.copy(ROOT.resolve("baichuan"), home.resolve("baichuan"));
  }

  /** Puts the command line beside the script, as Maven's package phase leaves it. */
  private void copyTheProgram() throws IOException {
    assumeTrue(Files.isDirectory(BUILT.resolve("lib")), "the command line is not packaged yet");
    copy(BUILT, home.resolve("cli/target"), Set.of("classes", "test-classes", "attached"));
    try (Stream<Path> old = Files.list(home.resolve("cli/target"))) {
      for (Path file : old.filter(LauncherTest::isArchive).toList()) {
        Files.delete(file);
      }
    }
    Files.createSymbolicLink(home.resolve("models"), ROOT.resolve("models"));
    Files.writeString(home.resolve("cli/target/baichuan.stamp"), "");
  }

  private static boolean isArchive(Path file) {
    return file.toString().endsWith(".jsa");
  }

  private static void copy(Path from, Path to, Set<String> without) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes)
              throws IOException {
            if (without.contains(folder.getFileName().toString())) {
              return FileVisitResult.SKIP_SUBTREE;
            }
            Files.createDirectories(to.resolve(from.relativize(folder).toString()));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(
                file,
                to.resolve(from.relativize(file).toString()),
                StandardCopyOption.COPY_ATTRIBUTES,
                LinkOption.NOFOLLOW_LINKS);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private Process start(Map<String, String> environment, String... arguments) throws IOException {
    ProcessBuilder builder = new ProcessBuilder("bash", home.resolve("baichuan").toString());
    builder.command().addAll(List.of(arguments));
    builder
        .directory(folder.toFile()) // not the script's own
        .redirectInput(Path.of("/dev/null").toFile())
        .redirectOutput(folder.resolve("out").toFile())
        .redirectError(folder.resolve("err").toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().putAll(environment);
    return builder.start();
  }

  private Run run(Map<String, String> environment, String... arguments) throws Exception {
    Process process = start(environment, arguments);
    assertTrue(process.waitFor(5, TimeUnit.MINUTES), "it does not end");
    return new Run(
        process.exitValue(),
        Files.readString(folder.resolve("out")),
        Files.readString(folder.resolve("err")));
  }

  /** Standard output must be one JSON document and standard error must hold no warning. */
  private void assertAnswers(Map<String, String> environment) throws Exception {
    Run run = run(environment, ANSWER);
    assertEquals(0, run.code, run.err);
    assertTrue(run.out.startsWith("{"), run.out);
    JsonNode answer = Fixtures.JSON.readTree(run.out);
    assertTrue(answer.get("token_ids").size() > 0, run.out);
    assertFalse(run.err.toLowerCase(java.util.Locale.ROOT).contains("warning"), run.err);
  }

  private Set<Path> archives() throws IOException {
    try (Stream<Path> files = Files.list(home.resolve("cli/target"))) {
      return files.filter(LauncherTest::isArchive).collect(Collectors.toCollection(TreeSet::new));
    }
  }

  @Test
  void jarsThatWereWrittenAnewRenewTheArchiveInSilence() throws Exception {
    copyTheProgram();
    assertAnswers(Map.of());
    Set<Path> before = archives();
    assertEquals(1, before.size());
    Files.setLastModifiedTime(
        home.resolve("cli/target/baichuan.stamp"), FileTime.from(Instant.now().plusSeconds(1)));
    try (Stream<Path> jars = Files.list(home.resolve("cli/target/lib"))) {
      for (Path jar : jars.toList()) {
        Files.setLastModifiedTime(jar, FileTime.from(Instant.now().minus(Duration.ofDays(1))));
      }
    }
    assertAnswers(Map.of());
    assertEquals(1, archives().size());
    assertNotEquals(before, archives());
    assertTrue(Files.size(archives().iterator().next()) > 0);
  }

  @Test
  void pathsAreThoseOfTheFolderThatItIsCalledIn() throws Exception {
    copyTheProgram();
    Files.createSymbolicLink(
        folder.resolve("mine"), ROOT.resolve("models/tiny-baichuan2-13b-chat"));
    Run run = run(Map.of(), "inspect", "--model", "mine", "--json");
    assertEquals(0, run.code, run.err);
  }

  @Test
  void anArchiveOfAnotherFolderIsNotSpokenOf() throws Exception {
    copyTheProgram();
    assertAnswers(Map.of());
    Path moved = folder.resolve("moved");
    Files.move(home, moved);
    home = moved;
    assertAnswers(Map.of());
    assertEquals(2, archives().size());
  }

  @Test
  void anArchiveOfAnotherJdkIsNotSpokenOf() throws Exception {
    Path other = otherJdk();
    copyTheProgram();
    assertAnswers(Map.of());
    assertAnswers(Map.of("JAVA_HOME", other.toString()));
    assertAnswers(Map.of());
    assertEquals(2, archives().size());
  }

  /** An archive that the JVM refuses, whatever its name says. */
  @Test
  void anArchiveThatDoesNotFitIsLeftAsideInSilence() throws Exception {
    copyTheProgram();
    assertAnswers(Map.of());
    Path archive = archives().iterator().next();
    byte[] bytes = Files.readAllBytes(archive);
    Files.delete(archive);
    Files.write(archive, new byte[bytes.length]);
    assertAnswers(Map.of());
  }

  private static Path otherJdk() throws IOException {
    Path folder = Path.of("/usr/lib/jvm");
    assumeTrue(Files.isDirectory(folder), "no other JDK is looked for here");
    Path own = Path.of(System.getProperty("java.home")).toRealPath();
    try (Stream<Path> jdks = Files.list(folder)) {
      List<Path> others =
          jdks.filter(jdk -> Files.isExecutable(jdk.resolve("bin/javac")))
              .filter(jdk -> !jdk.equals(own) && !Files.isSymbolicLink(jdk))
              .toList();
      assumeTrue(!others.isEmpty(), "there is one JDK only");
      return others.get(0);
    }
  }

  /** Makes {@code mvn} a shell script; the folder to put in front of PATH is the result. */
  private Map<String, String> maven(String script) throws IOException {
    Path bin = Files.createDirectories(folder.resolve("bin"));
    Path mvn = Files.writeString(bin.resolve("mvn"), "#!/bin/sh\n" + script);
    Files.setPosixFilePermissions(mvn, PosixFilePermissions.fromString("rwxr-xr-x"));
    Map<String, String> environment = new HashMap<>();
    environment.put("PATH", bin + ":" + System.getenv("PATH"));
    return environment;
  }

  @Test
  void aBuildSaysHowFarItIs() throws Exception {
    String log =
        "[INFO] --- exec-maven-plugin:3.6.4:exec (cmake) @ baichuan4j-native-build ---\\n"
            + "[INFO] Downloaded from central: x\\n[12/38] Building CXX object x.o\\n";
    Run run = run(maven("printf '" + log + "'; sleep 4; exit 7\n"), "chat");
    assertEquals(1, run.code, run.err);
    assertEquals("", run.out);
    assertTrue(
        run.err.contains("s, step 2 of 4, native library: 12 of 38 files, 1 files downloaded"),
        run.err);
    assertTrue(run.err.contains("the build failed, see "), run.err);
  }

  @Test
  void anInterruptedBuildEndsWholeAndLeavesNoLock() throws Exception {
    Path pid = folder.resolve("pid");
    Process process = start(maven("sleep 300 & echo $! >" + pid + "; wait\n"), "chat");
    while (!Files.exists(pid) || Files.size(pid) == 0) {
      assertTrue(process.isAlive(), () -> read("err"));
      Thread.sleep(50);
    }
    process.destroy(); // SIGTERM
    assertTrue(process.waitFor(1, TimeUnit.MINUTES), "it does not end");
    assertEquals(143, process.exitValue());
    assertTrue(read("err").contains("the build was interrupted"), read("err"));
    assertFalse(Files.exists(home.resolve("target/build.lock"), LinkOption.NOFOLLOW_LINKS));
    long child = Long.parseLong(Files.readString(pid).trim());
    ProcessHandle.of(child)
        .ifPresent(handle -> handle.onExit().orTimeout(1, TimeUnit.MINUTES).join());
  }

  @Test
  void aLockWhoseOwnerIsGoneIsRemoved() throws Exception {
    Files.createDirectory(home.resolve("target"));
    Process gone = new ProcessBuilder("true").start();
    gone.waitFor();
    Files.createSymbolicLink(home.resolve("target/build.lock"), Path.of("" + gone.pid()));
    Run run = run(maven("exit 7\n"), "chat");
    assertEquals(1, run.code, run.err);
    assertTrue(run.err.contains("the build failed"), run.err);
  }

  @Test
  void cudaBuildsTheKernelsOfEveryGpuOrSaysWhatIsMissing() throws Exception {
    Path arguments = folder.resolve("arguments");
    Map<String, String> environment = maven("echo \"$@\" >" + arguments + "; exit 7\n");
    assertEquals(1, run(environment, "chat").code);
    assertTrue(Files.readString(arguments).contains("-Dprogram"), Files.readString(arguments));
    assertFalse(Files.readString(arguments).contains("native.gpus"), Files.readString(arguments));

    environment.put("CUDACXX", folder.resolve("nvcc").toString());
    Run without = run(environment, "--cuda", "chat");
    assertEquals(1, without.code);
    assertTrue(without.err.contains("--cuda needs nvcc 12 or later"), without.err);

    Files.copy(
        folder.resolve("bin/mvn"), folder.resolve("nvcc"), StandardCopyOption.COPY_ATTRIBUTES);
    assertEquals(1, run(environment, "--cuda", "chat").code);
    assertTrue(
        Files.readString(arguments).contains("-Dnative.gpus=ALL -Dnative.cuda=ON"),
        Files.readString(arguments));
  }

  private String read(String name) {
    try {
      return Files.readString(folder.resolve(name));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
