package dev.baichuan4j.internal.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The generated classes are those of the schema. */
class SchemaTest {
  private static final Path ROOT = Path.of(System.getProperty("baichuan4j.root", ".."));
  private static final Path SCHEMA = ROOT.resolve("java-api/src/main/flatbuffers/session.fbs");
  private static final Path GENERATED = ROOT.resolve("java-api/src/gen/java");

  @TempDir private Path folder;

  @Test
  void everyFieldOfTheSchemaIsWhereItsIdSays() throws IOException {
    Matcher tables =
        Pattern.compile("table (\\w+) \\{(.*?)\\}", Pattern.DOTALL)
            .matcher(Files.readString(SCHEMA));
    int fields = 0;
    while (tables.find()) {
      String java =
          Files.readString(
              GENERATED.resolve(
                  "dev/baichuan4j/internal/session/format/" + tables.group(1) + ".java"));
      Map<Integer, String> ids = new TreeMap<>();
      Matcher field =
          Pattern.compile("(\\w+): [\\[\\]\\w]+ \\(id: (\\d+)").matcher(tables.group(2));
      while (field.find()) {
        String name = camelCase(field.group(1));
        int id = Integer.parseInt(field.group(2));
        ids.put(id, name);
        Pattern accessor =
            Pattern.compile(
                " (" + name + "|" + name + "Length)\\(\\) \\{ int o = __offset\\((\\d+)\\)");
        Matcher offset = accessor.matcher(java);
        assertTrue(offset.find(), () -> name + " has no accessor");
        assertEquals(4 + 2 * id, Integer.parseInt(offset.group(2)), name);
        fields++;
      }
      assertTrue(java.contains("startTable(" + ids.size() + ")"), tables.group(1));
    }
    assertEquals(9, fields);
  }

  private static String camelCase(String name) {
    return Pattern.compile("_(.)").matcher(name).replaceAll(m -> m.group(1).toUpperCase());
  }

  @Test
  void flatcGivesTheSameClasses() throws Exception {
    String version;
    try {
      Process flatc = new ProcessBuilder("flatc", "--version").start();
      version = new String(flatc.getInputStream().readAllBytes());
    } catch (IOException e) {
      version = "none";
    }
    assumeTrue(version.contains("2.0.8"), "flatc 2.0.8 is not there: " + version);
    Process generator =
        new ProcessBuilder(ROOT.resolve("tools/flatbuffers").toString(), folder.toString())
            .inheritIO()
            .start();
    assertEquals(0, generator.waitFor());
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path committed = GENERATED.resolve(folder.relativize(file).toString());
        assertEquals(Files.readString(file), Files.readString(committed), committed.toString());
      }
    }
  }
}
