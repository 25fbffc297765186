package dev.baichuan4j.internal.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTest {
  private static final byte[] MAGIC = {1, 2, 3, 4};

  @TempDir private Path folder;

  private static void write(Path file) {
    try (OutputFile output = OutputFile.create(file, MAGIC)) {
      output.write(ByteBuffer.wrap(new byte[] {5, 6}), 4);
      output.commit();
    }
  }

  private Set<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  @Test
  void aFileAppearsWhenItIsWhole() throws IOException {
    Path file = folder.resolve("file");
    try (OutputFile output = OutputFile.create(file, MAGIC)) {
      output.write(ByteBuffer.wrap(new byte[] {7}), 4);
      assertFalse(Files.exists(file));
    }
    assertEquals(Set.of(), names(), "it was not committed");
    Files.writeString(file, "old");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
    write(file);
    assertEquals(6, Files.size(file));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    assertEquals(Set.of("file"), names());
  }

  @Test
  void oneWriterAtATime() throws IOException {
    Path file = folder.resolve("file");
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder);
    try (OutputFile output = OutputFile.create(file, MAGIC)) {
      assertThrows(OutputException.class, () -> OutputFile.create(file, MAGIC));
      OutputException e =
          assertThrows(OutputException.class, () -> OutputFile.create(link.resolve("file"), MAGIC));
      assertTrue(e.getMessage().contains("another writer at work on it"), e.getMessage());
      output.commit();
    }
    write(file);
  }

  @Test
  void whatAKilledWriterHasLeftIsRemovedButNothingElse() throws IOException {
    Path file = folder.resolve("file");
    Path partial = folder.resolve(".file.partial");
    for (byte[] left : new byte[][] {{}, {1, 2}, {1, 2, 3, 4, 5, 6, 7, 8}}) {
      Files.write(partial, left);
      write(file);
      assertEquals(Set.of("file"), names());
      assertEquals(6, Files.size(file));
    }
    Files.writeString(partial, "a user's own");
    OutputException e = assertThrows(OutputException.class, () -> write(file));
    assertTrue(e.getMessage().contains("something else at " + partial), e.getMessage());
    assertEquals("a user's own", Files.readString(partial));
  }

  @Test
  void aLinkStaysOneAndAFolderIsRefused() throws IOException {
    Path file = folder.resolve("file");
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    write(file);
    Files.writeString(file, "longer than before");
    write(link);
    assertTrue(Files.isSymbolicLink(link));
    assertEquals(6, Files.size(file));
    assertThrows(InvalidRequestException.class, () -> write(folder));
    assertThrows(InvalidRequestException.class, () -> write(Path.of("/")));
    OutputException e =
        assertThrows(OutputException.class, () -> write(folder.resolve("none").resolve("file")));
    assertTrue(e.getMessage().contains("nothing there"), e.getMessage());
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aDeviceIsNoFile() {
    assertThrows(InvalidRequestException.class, () -> write(Path.of("/dev/full")));
  }

  @Test
  void anInterruptLeavesTheFormerFile() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    Thread.currentThread().interrupt();
    try {
      assertThrows(OperationInterruptedException.class, () -> write(file));
    } finally {
      assertTrue(Thread.interrupted(), "the flag stays set");
    }
    assertEquals("old", Files.readString(file));
    assertEquals(Set.of("file"), names());
    write(file);
    assertEquals(6, Files.size(file));
  }
}
