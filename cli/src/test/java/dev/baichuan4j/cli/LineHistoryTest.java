package dev.baichuan4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LineHistoryTest {
  @TempDir Path folder;

  @Test
  void liesWhereTheEnvironmentSays() throws Exception {
    String home = folder.resolve("home").toString();
    String state = folder.resolve("state").toString();
    assertEquals(
        folder.resolve("state/baichuan/history"),
        LineHistory.prepare(Map.of("HOME", home, "XDG_STATE_HOME", state)));
    for (String ignored : new String[] {"", "relative"}) {
      assertEquals(
          folder.resolve("home/.local/state/baichuan/history"),
          LineHistory.prepare(Map.of("HOME", home, "XDG_STATE_HOME", ignored)));
    }
  }

  @Test
  void isItsOwnersAlone() throws Exception {
    Map<String, String> environment = Map.of("HOME", folder.toString());
    Path file = LineHistory.prepare(environment);
    assertEquals("rw-------", permissions(file));
    assertEquals("rwx------", permissions(file.getParent()));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    Files.writeString(file, "old");
    LineHistory.prepare(environment);
    assertEquals("rw-------", permissions(file));
    assertEquals("old", Files.readString(file));
  }

  @Test
  void saysWhyThereIsNone() throws Exception {
    assertThrows(IOException.class, () -> LineHistory.prepare(Map.of()));
    Path file = Files.writeString(folder.resolve("file"), "");
    IOException failure =
        assertThrows(IOException.class, () -> LineHistory.prepare(Map.of("HOME", file.toString())));
    assertTrue(failure.getMessage().startsWith(file + "/.local/state"), failure.getMessage());
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
