package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.NativeLoadException;
import dev.baichuan4j.nn.Ops;
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
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The native libraries: what carries them, and what is said where they are missing or damaged. */
class NativeLibraryTest {
  private static final String FOLDER = "dev/baichuan4j/jni/" + Loader.getPlatform();
  private static final List<String> LIBRARIES =
      List.of(System.mapLibraryName("baichuan"), System.mapLibraryName("jnibaichuan"));

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
    List<String> command =
        run(1, classPathWithoutNatives(), "dev.baichuan4j.server.Main", "doctor");
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

  /**
   * This class path without the libraries: without the jar that has them, with a copy of the
   * server's jar, whose manifest names the jars of the folder lib beside it, and of a folder that
   * has them (a build without the package phase) with its classes.
   */
  private List<String> classPathWithoutNatives() throws IOException {
    List<String> entries = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path path = Path.of(entry);
      String name = path.getFileName().toString();
      if (Files.isDirectory(path.resolve(FOLDER))) {
        entries.add(copyClasses(path).toString());
      } else if (name.startsWith("baichuan4j-server") && Files.isRegularFile(path)) {
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
    all.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    all.add("-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("cache"));
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
