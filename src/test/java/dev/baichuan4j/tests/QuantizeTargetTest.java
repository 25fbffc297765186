package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutputException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code quantize} leaves where it writes: the folder, or nothing. */
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class QuantizeTargetTest {
  private static final Path MODEL = Fixtures.fixture("micro-baichuan-7b");

  @TempDir Path folder;

  private static BaichuanLoader loader(Path model, ProgressListener progress) {
    return Baichuan.loader(model)
        .device(Device.cpu())
        .threads(1)
        .weights(Quant.INT4)
        .progress(progress);
  }

  private static void quantize(Path target) {
    loader(MODEL, ProgressListener.NONE).quantize(target);
  }

  private static Set<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  @Test
  void anInterruptEndsItWithItsOwnExceptionAndNothingIsLeft() throws IOException {
    Path target = folder.resolve("target");
    ProgressListener interrupt =
        (what, done, of) -> {
          if (done == of / 2) {
            assertEquals(Set.of(".target.partial"), listed());
            Thread.currentThread().interrupt();
          }
        };
    OperationInterruptedException e =
        assertThrows(
            OperationInterruptedException.class, () -> loader(MODEL, interrupt).quantize(target));
    assertTrue(Thread.interrupted(), "the flag is not kept");
    assertTrue(e.getMessage().contains("writing " + target), e.getMessage());
    assertEquals(Set.of(), names(folder));
  }

  private Set<String> listed() {
    try {
      return names(folder);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aListenerThatThrowsEndsItAndNothingIsLeft() throws IOException {
    IllegalStateException thrown = new IllegalStateException("the listener's own");
    ProgressListener failing =
        (what, done, of) -> {
          if (done == of / 2) {
            throw thrown;
          }
        };
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class,
            () -> loader(MODEL, failing).quantize(folder.resolve("target")));
    assertEquals(thrown, e);
    assertEquals(Set.of(), names(folder));
  }

  @Test
  void aSecondWriterInTheSameProcessIsRefusedAndTheFirstOneFinishes() throws IOException {
    Path target = folder.resolve("target");
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder);
    List<OutputException> refused = new ArrayList<>();
    ProgressListener second =
        (what, done, of) -> {
          if (done == of / 2) {
            refused.add(assertThrows(OutputException.class, () -> quantize(target)));
            refused.add(
                assertThrows(OutputException.class, () -> quantize(link.resolve("target"))));
          }
        };
    loader(MODEL, second).quantize(target);
    assertEquals(2, refused.size());
    assertEquals(
        target
            + ": writing has failed with another writer at work on it, expected one at a time;"
            + " wait for it, or choose another target",
        refused.get(0).getMessage());
    assertEquals(Set.of("target", "link"), names(folder));
    assertEquals(Set.of("config.json", "model.safetensors"), names(target));
  }

  @Test
  void whatAKilledProcessHasLeftIsRemovedButNeverWhatALivingOneWrites() throws Exception {
    Path target = folder.resolve("target");
    Process child = QuantizeInChild.start(List.of(), MODEL, target, "stop");
    try (BufferedReader output = child.inputReader()) {
      assertEquals("stopped", output.readLine());
      OutputException busy = assertThrows(OutputException.class, () -> quantize(target));
      assertTrue(busy.getMessage().contains("another writer at work on it"), busy.getMessage());
      Path partial = folder.resolve(".target.partial/content/model.safetensors");
      assertTrue(Files.exists(partial), "what the other process writes is gone");
      child.destroyForcibly().waitFor();
      assertTrue(Files.exists(partial), "the killed process has left nothing: no test");
    } finally {
      child.destroyForcibly();
    }
    quantize(target);
    assertEquals(Set.of("target"), names(folder));
    assertEquals(Set.of("config.json", "model.safetensors"), names(target));
  }

  @Test
  void aWriteThatFailsSaysWhyAndLeavesNothing() throws Exception {
    // Blocks of 512 or 1024 bytes, as the shell has them: the file needs more.
    List<String> limited = List.of("/bin/sh", "-c", "ulimit -f 200; exec \"$@\"", "sh");
    Path target = folder.resolve("target");
    assertEquals(
        "OutputException "
            + target
            + ": writing has failed with file too large, expected a disk that can be written",
        output(QuantizeInChild.start(limited, MODEL, target, "run")));
    assertEquals(Set.of(), names(folder));
  }

  @Test
  void aFolderThatMayNotBeWrittenIsSaidToBeThat() throws Exception {
    Path closed = Files.createDirectory(folder.resolve("closed"));
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("r-xr-xr-x"));
    Path target = closed.resolve("target");
    assertEquals(
        "OutputException "
            + target
            + ": writing has failed with permission denied at "
            + closed.toRealPath().resolve(".target.partial")
            + ", expected a folder that this user may write",
        output(QuantizeInChild.start(withoutPrivileges(), MODEL, target, "run")));
    Path above = closed.resolve("missing/target");
    assertEquals(
        "OutputException "
            + above
            + ": writing has failed with permission denied at "
            + closed.resolve("missing")
            + ", expected a folder that this user may write",
        output(QuantizeInChild.start(withoutPrivileges(), MODEL, above, "run")));
  }

  @Test
  void aModelThatMayNotBeReadIsSaidToBeThat() throws Exception {
    Path model = Files.createDirectory(folder.resolve("model"));
    Path config = Files.copy(MODEL.resolve("config.json"), model.resolve("config.json"));
    Path weights =
        Files.copy(MODEL.resolve("pytorch_model.bin"), model.resolve("pytorch_model.bin"));
    Path target = folder.resolve("target");
    Files.setPosixFilePermissions(weights, Set.of());
    assertEquals(
        "ModelFormatException "
            + weights
            + ": content has permission denied, expected a readable file that this user may read",
        output(QuantizeInChild.start(withoutPrivileges(), model, target, "run")));
    Files.setPosixFilePermissions(config, Set.of());
    assertEquals(
        "ModelFormatException "
            + config
            + ": content has permission denied, expected a readable file that this user may read",
        output(QuantizeInChild.start(withoutPrivileges(), model, target, "run")));
    Files.setPosixFilePermissions(model, Set.of());
    assertEquals(
        "ModelFormatException "
            + model.resolve("model.safetensors")
            + ": path has permission denied, expected a file that this user may read",
        output(QuantizeInChild.start(withoutPrivileges(), model, target, "run")));
    Files.setPosixFilePermissions(model, PosixFilePermissions.fromString("rwx------"));
    assertFalse(Files.exists(target));
  }

  /** Permissions do not hold root, unless it gives up the capability to pass them. */
  private static List<String> withoutPrivileges() throws Exception {
    if (!"0".equals(output(new ProcessBuilder("id", "-u").start()))) {
      return List.of();
    }
    String capabilities = "-dac_override,-dac_read_search";
    List<String> command =
        List.of("setpriv", "--bounding-set", capabilities, "--inh-caps", capabilities, "--");
    List<String> nothing = new ArrayList<>(command);
    nothing.add("true");
    assumeTrue(
        new ProcessBuilder(nothing).start().waitFor() == 0, "setpriv cannot take capabilities");
    return command;
  }

  private static String output(Process process) throws IOException {
    try (BufferedReader output = process.inputReader()) {
      return output.lines().collect(Collectors.joining("\n"));
    }
  }

  @Test
  void aPathInsideAZipFileIsRefusedBeforeTheWork() throws IOException {
    Path zip = folder.resolve("target.zip");
    try (FileSystem files = FileSystems.newFileSystem(zip, Map.of("create", "true"))) {
      ProgressListener never =
          (what, done, of) -> {
            throw new AssertionError("work has begun");
          };
      InvalidRequestException e =
          assertThrows(
              InvalidRequestException.class,
              () -> loader(MODEL, never).quantize(files.getPath("/target")));
      assertEquals(
          "target has value jar:"
              + zip.toUri()
              + "!/target, expected a folder of the system's own"
              + " files: what is written is mapped",
          e.getMessage());
    }
  }

  @Test
  void whatIsInTheWayIsNamed() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "no folder");
    OutputException inFile =
        assertThrows(OutputException.class, () -> quantize(file.resolve("target")));
    assertEquals(
        file.resolve("target")
            + ": writing has failed with something else there at "
            + file
            + ", expected a folder",
        inFile.getMessage());
    Path loop = Files.createSymbolicLink(folder.resolve("loop"), Path.of("loop"));
    InvalidRequestException taken =
        assertThrows(InvalidRequestException.class, () -> quantize(loop));
    assertTrue(taken.getMessage().endsWith("a name that is not there yet"), taken.getMessage());
    Path partial = Files.writeString(folder.resolve(".target.partial"), "a user's own file");
    OutputException own =
        assertThrows(OutputException.class, () -> quantize(folder.resolve("target")));
    assertEquals(
        folder.resolve("target")
            + ": writing has failed with something else at "
            + partial.toRealPath()
            + ", expected a folder or nothing there; remove it",
        own.getMessage());
    assertEquals("a user's own file", Files.readString(partial));
  }
}
