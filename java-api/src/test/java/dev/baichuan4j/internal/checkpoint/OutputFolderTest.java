package dev.baichuan4j.internal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.OutputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFolderTest {
  @TempDir Path folder;

  @Test
  void appearsWithItsFilesAndWithoutTheLock() throws IOException {
    Path target = folder.resolve("above/target");
    try (OutputFolder output = OutputFolder.create(target)) {
      Files.writeString(output.path().resolve("file"), "text");
      assertFalse(Files.exists(target));
      output.commit();
    }
    assertEquals("text", Files.readString(target.resolve("file")));
    assertArrayEquals(new String[] {"target"}, folder.resolve("above").toFile().list());
    assertArrayEquals(new String[] {"file"}, target.toFile().list());
  }

  /** In a chroot the table of mounts has no entry for the file system: what is free is unknown. */
  @Test
  void unknownRoomIsNoReasonToRefuse() {
    Path target = folder.resolve("target");
    OutputFolder.requireRoom(target, 1000, 0);
    OutputFolder.requireRoom(target, 1000, 1000);
    OutputException e =
        assertThrows(OutputException.class, () -> OutputFolder.requireRoom(target, 1000, 999));
    assertEquals(
        target
            + ": writing has failed with 999 bytes free on its disk, expected the 1000 that it"
            + " takes",
        e.getMessage());
    try (OutputFolder output = OutputFolder.create(target)) {
      output.requireRoom(1);
      assertThrows(OutputException.class, () -> output.requireRoom(Long.MAX_VALUE));
    }
  }

  @Test
  void whatWasLeftIsRemoved() throws IOException {
    Path left = Files.createDirectories(folder.resolve(".target.partial/content/deep"));
    Files.writeString(left.resolve("file"), "left");
    Files.writeString(folder.resolve(".target.partial/lock"), "");
    try (OutputFolder output = OutputFolder.create(folder.resolve("target"))) {
      assertEquals(0, output.path().toFile().list().length);
    }
    assertEquals(0, folder.toFile().list().length);
  }

  @Test
  void nothingIsReplacedThatHasComeMeanwhile() throws IOException {
    Path target = folder.resolve("target");
    try (OutputFolder output = OutputFolder.create(target)) {
      Files.createDirectory(target);
      OutputException e = assertThrows(OutputException.class, output::commit);
      assertEquals(
          target + ": writing has failed with something else there, expected a folder",
          e.getMessage());
    }
    assertArrayEquals(new String[] {"target"}, folder.toFile().list());
  }

  /** Each attempt gets the folder for itself or is refused; the one that commits is whole. */
  @Test
  void ofManyWritersOneAtATimeHasTheFolder() throws Exception {
    Path target = folder.resolve("target");
    var threads = Executors.newFixedThreadPool(8);
    try {
      Callable<Boolean> writer =
          () -> {
            try (OutputFolder output = OutputFolder.create(target)) {
              Files.write(
                  output.path().resolve("file"),
                  new byte[100],
                  StandardOpenOption.CREATE_NEW,
                  StandardOpenOption.WRITE);
              assertArrayEquals(new String[] {"file"}, output.path().toFile().list());
              return true;
            } catch (OutputException e) {
              assertTrue(e.getMessage().contains("another writer"), e.getMessage());
              return false;
            }
          };
      int written = 0;
      List<Callable<Boolean>> all = IntStream.range(0, 400).mapToObj(i -> writer).toList();
      for (Future<Boolean> one : threads.invokeAll(all)) {
        written += one.get() ? 1 : 0;
      }
      assertTrue(written > 0);
    } finally {
      threads.shutdown();
    }
    assertEquals(0, folder.toFile().list().length);
  }

  @Test
  void aFileOfWhichAWriteHasFailedIsDeleted() throws IOException {
    Path file = folder.resolve("file.safetensors");
    SafetensorsWriter writer = SafetensorsWriter.create(file, "x", 1 << 16);
    Thread.currentThread().interrupt();
    assertThrows(UncheckedIOException.class, () -> writer.row(new float[1 << 16]));
    assertTrue(Thread.interrupted());
    writer.close();
    assertFalse(Files.exists(file));
  }

  @Test
  void aDeviceIsNeverDeleted() throws IOException {
    Path full = Path.of("/dev/full");
    if (!Files.exists(full)) {
      return;
    }
    assertThrows(UncheckedIOException.class, () -> SafetensorsWriter.create(full, "x", 4));
    assertTrue(Files.exists(full));
    try (FileChannel device = FileChannel.open(full, StandardOpenOption.READ)) {
      assertTrue(device.isOpen());
    }
  }
}
