package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.NativeLoadException;
import dev.baichuan4j.internal.nn.Ops;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The native libraries: what carries them, and what is said where they are missing or damaged. */
class NativeLibraryTest {
  private static final String FOLDER = "dev/baichuan4j/jni/" + Loader.getPlatform();
  private static final List<String> LIBRARIES =
      List.of(System.mapLibraryName("baichuan"), System.mapLibraryName("jnibaichuan"));

  private static final String CACHE = "org.bytedeco.javacpp.cachedir";
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin", "java").toString();

  @TempDir Path folder;

  /** Asks the library for its version and prints the exception that comes instead. */
  static final class AskVersion {
    public static void main(String[] args) {
      try {
        System.out.println(Ops.nativeVersion());
      } catch (NativeLoadException e) {
        System.out.println(String.join("\n", e.tried(), e.reason(), e.remedy()));
      }
    }
  }

  @Test
  void theMetadataForNativeImageLieBesideTheLibraries() throws Exception {
    URI library = getClass().getResource("/" + FOLDER + "/" + LIBRARIES.get(1)).toURI();
    if (library.getScheme().equals("jar")) {
      try (FileSystem jar = FileSystems.newFileSystem(library, Map.of())) {
        checkNatives(jar.getPath("/"));
      }
    } else { // a build without the package phase
      checkNatives(Path.of(library).resolve("../../../../..").normalize());
    }
  }

  private static void checkNatives(Path root) throws IOException {
    for (String library : LIBRARIES) {
      assertTrue(Files.size(root.resolve(FOLDER).resolve(library)) > 0, library);
    }
    Path metadata = root.resolve("META-INF/native-image/" + Loader.getPlatform() + "/jnibaichuan");
    assertTrue(names(metadata.resolve("jni-config.json")).contains("dev.baichuan4j.jni.bc_tensor"));
    assertTrue(
        names(metadata.resolve("reflect-config.json"))
            .contains("dev.baichuan4j.jni.presets.baichuan"));
    List<String> patterns =
        json(metadata.resolve("resource-config.json")).findValuesAsText("pattern");
    for (String library : LIBRARIES) {
      String path = FOLDER + "/" + library;
      assertTrue(patterns.stream().anyMatch(path::matches), path + " in " + patterns);
    }
  }

  private static List<String> names(Path file) throws IOException {
    return json(file).findValuesAsText("name");
  }

  private static JsonNode json(Path file) throws IOException {
    try (InputStream stream = Files.newInputStream(file)) {
      return Fixtures.JSON.readTree(stream);
    }
  }

  @Test
  void aMissingLibraryIsNamedWithTheArtifactThatHasIt() throws Exception {
    List<String> lines = run(0, classPathWithoutNatives(), AskVersion.class.getName());
    assertEquals(FOLDER + "/" + LIBRARIES.get(1), lines.get(0));
    assertTrue(lines.get(1).startsWith("it is not on the class path"), lines.get(1));
    assertTrue(
        lines
            .get(2)
            .contains(
                "add the artifact dev.baichuan4j:baichuan4j-natives with the"
                    + " classifier "
                    + Loader.getPlatform()),
        lines.get(2));
    List<String> command = run(1, classPathWithoutNatives(), "dev.baichuan4j.cli.Main", "doctor");
    assertEquals(1, command.size(), command::toString);
    assertTrue(
        command.get(0).startsWith("baichuan: native library: cannot load"), command::toString);
  }

  @Test
  void aDamagedLibraryIsNamedWithWhatTheSystemSaysOfIt() throws Exception {
    List<String> classPath = classPathWithoutNatives();
    Path damaged = Files.createDirectories(folder.resolve("damaged").resolve(FOLDER));
    for (String library : LIBRARIES) {
      Files.writeString(damaged.resolve(library), "not a library");
    }
    classPath.add(0, folder.resolve("damaged").toString());
    List<String> lines = run(0, classPath, AskVersion.class.getName());
    int first = lines.size() - 3; // the JVM warns in lines of its own
    assertTrue(
        lines.get(first).endsWith("damaged/" + FOLDER + "/" + LIBRARIES.get(1)), lines::toString);
    assertTrue(lines.get(first + 1).contains(LIBRARIES.get(1) + ": "), lines::toString);
    assertTrue(lines.get(first + 2).startsWith("the file is damaged"), lines::toString);
  }

  @Test
  void refusedNativeAccessIsNamedWithTheFlagThatGivesIt() throws Exception {
    String java = java25();
    assumeTrue(java != null, "no JDK 24 or later: set JAVA_HOME_25");
    List<String> lines =
        ask(List.of(java, "--illegal-native-access=deny"), System.getProperty("java.class.path"));
    assertTrue(lines.get(1).startsWith("Illegal native access from"), lines::toString);
    assertTrue(
        lines.get(2).startsWith("start Java with --enable-native-access=ALL-UNNAMED"),
        lines::toString);
  }

  @Test
  void aFolderThatRunsNoCodeIsNamed() throws Exception {
    Path mount = mount("noexec,size=64m");
    try {
      List<String> lines = askWithJar(mount.resolve("cache"));
      assertTrue(lines.get(1).startsWith("the system runs no code from " + mount), lines::toString);
      assertTrue(lines.get(1).contains("may be mounted noexec: "), lines::toString);
      assertTrue(lines.get(2).contains(" -D" + CACHE + "=FOLDER"), lines::toString);
    } finally {
      unmount(mount);
    }
  }

  @Test
  void aFullDiskIsNamed() throws Exception {
    Path mount = mount("size=200k");
    try {
      List<String> lines = askWithJar(mount.resolve("cache"));
      assertTrue(
          lines
              .get(1)
              .startsWith(
                  "it cannot be extracted: the folder "
                      + mount.resolve("cache")
                      + " refuses"
                      + " it with "),
          lines::toString);
      assertTrue(lines.get(1).endsWith("0 MiB are free"), lines::toString);
      assertTrue(lines.get(2).startsWith("make room there, or "), lines::toString);
    } finally {
      unmount(mount);
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aFileThatMayNotGrowIsNamed() throws Exception {
    String limited = "ulimit -f 100 && exec \"$0\" -XX:-UsePerfData \"$@\"";
    Path cache = folder.resolve("limited");
    List<String> lines =
        ask(List.of("sh", "-c", limited, JAVA, "-D" + CACHE + "=" + cache), classPathWithJar());
    assertTrue(
        lines.get(1).startsWith("it cannot be extracted: the folder " + cache + " "),
        lines::toString);
    assertTrue(lines.get(2).contains(" -D" + CACHE + "=FOLDER"), lines::toString);
  }

  @Test
  void foldersThatCannotBeWrittenAreNamed() throws Exception {
    Path home = Files.createFile(folder.resolve("home"));
    List<String> lines =
        ask(
            List.of(JAVA, "-Duser.home=" + home, "-Djava.io.tmpdir=" + home.resolve("tmp")),
            classPathWithJar());
    assertEquals(
        "it cannot be extracted: none of the folders "
            + home.resolve(".javacpp/cache")
            + " and "
            + home.resolve("tmp")
            + " can be made and written",
        lines.get(1),
        lines::toString);
    assertTrue(lines.get(2).contains(" -D" + CACHE + "=FOLDER"), lines::toString);
  }

  /** The java of a JDK that can refuse native access; null without one. */
  private static String java25() {
    if (Runtime.version().feature() >= 24) {
      return JAVA;
    }
    String home = System.getenv("JAVA_HOME_25");
    Path java =
        Path.of(home != null ? home : "/usr/lib/jvm/temurin-25-jdk-amd64").resolve("bin/java");
    return Files.isExecutable(java) ? java.toString() : null;
  }

  /** A small file system of its own. */
  private Path mount(String options) throws Exception {
    Path mount = Files.createDirectory(folder.resolve("mount"));
    String[] command = {"mount", "-t", "tmpfs", "-o", options, "tmpfs", mount.toString()};
    boolean mounted;
    try {
      mounted =
          new ProcessBuilder(command)
                  .redirectErrorStream(true)
                  .redirectOutput(folder.resolve("mount.log").toFile())
                  .start()
                  .waitFor()
              == 0;
    } catch (IOException notInstalled) {
      mounted = false;
    }
    assumeTrue(mounted, "this user may not mount a file system");
    return mount;
  }

  private static void unmount(Path mount) throws Exception {
    assertEquals(0, new ProcessBuilder("umount", mount.toString()).inheritIO().start().waitFor());
  }

  private List<String> askWithJar(Path cache) throws Exception {
    return ask(List.of(JAVA, "-D" + CACHE + "=" + cache), classPathWithJar());
  }

  /** What {@link AskVersion} prints: what was tried, why it failed, what to do. */
  private List<String> ask(List<String> java, String classPath) throws Exception {
    List<String> command = new ArrayList<>(java);
    command.addAll(List.of("-cp", classPath, AskVersion.class.getName()));
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    int code =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start()
            .waitFor();
    assertEquals(0, code, Files.readString(err));
    List<String> lines = Files.readAllLines(out);
    assertEquals(3, lines.size(), lines::toString);
    assertTrue(lines.get(0).endsWith(FOLDER + "/" + LIBRARIES.get(1)), lines::toString);
    return lines;
  }

  /** This class path with the libraries in a jar, from which they have to be extracted. */
  private String classPathWithJar() throws IOException {
    Path jar = folder.resolve("natives.jar");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      for (String library : LIBRARIES) {
        String name = FOLDER + "/" + library;
        out.putNextEntry(new JarEntry(name));
        try (InputStream in = getClass().getResourceAsStream("/" + name)) {
          in.transferTo(out);
        }
        out.closeEntry();
      }
    }
    List<String> classPath = classPathWithoutNatives();
    classPath.add(jar.toString());
    return String.join(File.pathSeparator, classPath);
  }

  /**
   * This class path without the libraries: without the jar that has them, with a copy of the
   * command line's jar, whose manifest names the jars of the folder lib beside it, and of a folder
   * that has them (a build without the package phase) with its classes.
   */
  private List<String> classPathWithoutNatives() throws IOException {
    List<String> entries = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path path = Path.of(entry);
      String name = path.getFileName().toString();
      if (Files.isDirectory(path.resolve(FOLDER))) {
        entries.add(copyClasses(path).toString());
      } else if (name.startsWith("baichuan4j-cli") && Files.isRegularFile(path)) {
        Path copy = folder.resolve(name);
        entries.add(Files.copy(path, copy, StandardCopyOption.REPLACE_EXISTING).toString());
      } else if (!name.endsWith(Loader.getPlatform() + ".jar")) {
        entries.add(entry);
      }
    }
    return entries;
  }

  private Path copyClasses(Path source) throws IOException {
    Path target = folder.resolve("classes");
    try (Stream<Path> files = Files.walk(source)) {
      for (Path file :
          (Iterable<Path>) files.filter(f -> f.toString().endsWith(".class"))::iterator) {
        Path copy = target.resolve(source.relativize(file));
        Files.createDirectories(copy.getParent());
        Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
      }
    }
    return target;
  }

  /** Lines that a JVM of its own prints, on standard output and error. */
  private List<String> run(int expectedCode, List<String> classPath, String... command)
      throws Exception {
    List<String> all = new ArrayList<>();
    all.add(JAVA);
    all.add("-D" + CACHE + "=" + folder.resolve("cache"));
    all.addAll(List.of("-cp", String.join(File.pathSeparator, classPath)));
    all.addAll(List.of(command));
    Path output = folder.resolve("output");
    ProcessBuilder builder =
        new ProcessBuilder(all).redirectErrorStream(true).redirectOutput(output.toFile());
    int code = builder.start().waitFor();
    List<String> lines = Files.readAllLines(output);
    assertEquals(expectedCode, code, lines::toString);
    return lines;
  }
}
