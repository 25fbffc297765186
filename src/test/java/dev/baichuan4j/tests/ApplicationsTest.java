package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.baichuan4j.tests.Artifacts.Artifact;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Builds the applications of src/test/apps as their users would, from coordinates, and runs them.
 * The artifacts of this build are laid into a local repository under target; everything else comes
 * from the local repository of the build, which stands in for Maven Central.
 */
@Tag("packaged")
class ApplicationsTest {
  private static final Path APPS = Artifacts.ROOT.resolve("src/test/target/apps");
  private static final Path REPOSITORY = APPS.resolve("repository");
  private static final Path MODEL = Fixtures.model("tiny-baichuan2-13b-chat").normalize();
  private static final String NATIVE_ACCESS =
      "--enable-native-access=org.bytedeco.javacpp,dev.baichuan4j.natives";

  @BeforeAll
  static void installAndBuild() throws Exception {
    delete(APPS);
    for (Artifact artifact : Artifacts.ALL) {
      install(artifact.id(), ".pom", artifact.pom());
      install(artifact.id(), ".jar", artifact.jar());
    }
    install(Artifacts.NATIVES.id(), "-" + Artifacts.PLATFORM + ".jar", Artifacts.LIBRARIES);
    install("baichuan4j-parent", ".pom", Artifacts.PARENT_POM);
    install("baichuan4j-bom", ".pom", Artifacts.BOM_POM);
    Files.writeString(
        APPS.resolve("settings.xml"),
        "<settings><mirrors><mirror><id>build</id><mirrorOf>*</mirrorOf><url>"
            + Path.of(System.getProperty("baichuan4j.repository")).toUri()
            + "</url></mirror></mirrors></settings>");
    maven("modular");
  }

  @ParameterizedTest
  @ValueSource(ints = {17, 25})
  void theModularApplicationRunsWithTheJarsAsTheyCome(int jdk) throws Exception {
    Path target = APPS.resolve("modular/target");
    String path = target.resolve("app.jar") + File.pathSeparator + target.resolve("lib");
    assertAnswers(runJava(jdk, NATIVE_ACCESS, "-p", path, "-m", "app/app.Main", MODEL.toString()));
  }

  /** The one above has no Micrometer among its modules; this one has. */
  @ParameterizedTest
  @ValueSource(ints = {17, 25})
  void theApplicationWithMicrometerSeesTheNumbersOfTheModel(int jdk) throws Exception {
    Path target = APPS.resolve("metered/target");
    if (!Files.exists(target.resolve("app.jar"))) {
      maven("metered");
    }
    String path = target.resolve("app.jar") + File.pathSeparator + target.resolve("lib");
    Output output = runJava(jdk, NATIVE_ACCESS, "-p", path, "-m", "app/app.Main", MODEL.toString());
    assertAnswers(output);
    assertTrue(output.out().contains("answers: 1.0"), output::toString);
  }

  @ParameterizedTest
  @ValueSource(ints = {17, 25})
  void theShadedApplicationRuns(int jdk) throws Exception {
    Path jar = APPS.resolve("shaded/target/app.jar");
    if (!Files.exists(jar)) {
      maven("shaded");
    }
    assertAnswers(runJava(jdk, "-jar", jar.toString(), MODEL.toString()));
  }

  @ParameterizedTest
  @ValueSource(ints = {17, 25})
  void theGradleApplicationRuns(int jdk) throws Exception {
    Path build = APPS.resolve("gradle/build");
    if (!Files.exists(build.resolve("lib"))) {
      gradle();
    }
    String path = build.resolve("classes/java/main") + File.pathSeparator + build.resolve("lib/*");
    assertAnswers(
        runJava(
            jdk, "--enable-native-access=ALL-UNNAMED", "-cp", path, "app.Main", MODEL.toString()));
  }

  @ParameterizedTest
  @ValueSource(ints = {17, 25})
  void theServerRunsAsAnExecutableJar(int jdk) throws Exception {
    Output output =
        runJava(
            jdk,
            "-jar",
            Artifacts.CLI.jar().toString(),
            "doctor",
            "--device",
            "cpu",
            "--model",
            MODEL.toString());
    assertEquals(0, output.code(), output::toString);
    assertTrue(output.out().contains(Artifacts.PLATFORM), output::toString);
    assertQuiet(output);
  }

  private static void assertAnswers(Output output) {
    // Drawn, as the model's default is; this is how every answer to the question begins.
    assertTrue(output.out().startsWith("我是百川"), output::toString);
    assertEquals(0, output.code(), output::toString);
    assertQuiet(output);
  }

  /** What the README says ends the JVM's warnings does end them. */
  private static void assertQuiet(Output output) {
    assertFalse(output.err().contains("WARNING:"), output::toString);
  }

  private static void install(String id, String ending, Path file) throws IOException {
    Path folder =
        Files.createDirectories(
            REPOSITORY.resolve("dev/baichuan4j").resolve(id).resolve(Artifacts.VERSION));
    Files.copy(file, folder.resolve(id + "-" + Artifacts.VERSION + ending));
  }

  private static void maven(String app) throws Exception {
    succeed(
        copy(app),
        Map.of(),
        System.getProperty("baichuan4j.maven"),
        "-B",
        "-q",
        "-s",
        APPS.resolve("settings.xml").toString(),
        "-Dmaven.repo.local=" + REPOSITORY,
        "-Dbaichuan4j.version=" + Artifacts.VERSION,
        "package");
  }

  private static void gradle() throws Exception {
    Path gradle =
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .map(folder -> Path.of(folder, "gradle"))
            .filter(Files::isExecutable)
            .findFirst()
            .orElse(null);
    assumeTrue(gradle != null, "gradle is not in PATH");
    succeed(
        copy("gradle"),
        Map.of("GRADLE_USER_HOME", APPS.resolve("gradle-home").toString()),
        gradle.toString(),
        "--offline",
        "--no-daemon",
        "-q",
        "-Dmaven.repo.local=" + REPOSITORY,
        "-Pbaichuan4j.version=" + Artifacts.VERSION,
        "classes",
        "libraries");
  }

  private static Path copy(String app) throws IOException {
    Path source = Artifacts.ROOT.resolve("src/test/apps").resolve(app);
    Path target = APPS.resolve(app);
    try (Stream<Path> files = Files.walk(source)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.copy(file, target.resolve(source.relativize(file).toString()));
      }
    }
    return target;
  }

  private static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      List<Path> paths;
      try (Stream<Path> files = Files.walk(folder)) {
        paths = new ArrayList<>(files.toList());
      }
      for (int i = paths.size() - 1; i >= 0; i--) {
        Files.delete(paths.get(i));
      }
    }
    Files.createDirectories(folder);
  }

  private static Output runJava(int jdk, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(java(jdk).toString());
    command.add("-Dorg.bytedeco.javacpp.cachedir=" + APPS.resolve("cache"));
    command.add("-Dsun.stdout.encoding=UTF-8"); // JDK 17's name
    command.add("-Dstdout.encoding=UTF-8");
    command.addAll(List.of(arguments));
    return run(APPS, Map.of(), command);
  }

  private static Path java(int jdk) {
    List<String> homes = new ArrayList<>();
    if (Runtime.version().feature() == jdk) {
      homes.add(System.getProperty("java.home"));
    }
    String variable = "JAVA_HOME_" + jdk;
    if (System.getenv(variable) != null) {
      homes.add(System.getenv(variable));
    }
    homes.add("/usr/lib/jvm/temurin-" + jdk + "-jdk-amd64");
    homes.add("/usr/lib/jvm/java-" + jdk + "-openjdk-amd64");
    Path java =
        homes.stream()
            .map(home -> Path.of(home, "bin", "java"))
            .filter(Files::isExecutable)
            .findFirst()
            .orElse(null);
    assumeTrue(java != null, "no JDK " + jdk + " was found; " + variable + " may name its folder");
    return java;
  }

  private record Output(int code, String out, String err) {}

  private static void succeed(Path folder, Map<String, String> environment, String... command)
      throws Exception {
    Output output = run(folder, environment, List.of(command));
    assertEquals(0, output.code(), output::toString);
  }

  private static Output run(Path folder, Map<String, String> environment, List<String> command)
      throws Exception {
    Path out = Files.createTempFile(APPS, "out", ".log");
    Path err = Files.createTempFile(APPS, "err", ".log");
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().putAll(environment);
    // The build's own options and repository are not those of the applications.
    builder
        .environment()
        .keySet()
        .removeAll(List.of("MAVEN_OPTS", "MAVEN_ARGS", "JAVA_TOOL_OPTIONS"));
    Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    process.getOutputStream().close();
    if (!process.waitFor(10, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError(String.join(" ", command) + " did not end");
    }
    return new Output(process.exitValue(), Files.readString(out), Files.readString(err));
  }
}
