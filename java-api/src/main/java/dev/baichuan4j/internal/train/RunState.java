package dev.baichuan4j.internal.train;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.SafetensorsFile;
import dev.baichuan4j.internal.checkpoint.SafetensorsWriter;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.files.PathProblem;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a run has to remember to go on as if it had not been stopped: weights, the optimizer's
 * states, and how far it was. It is a safetensors file that takes its name when all of it is on the
 * disk, in place of the one before.
 *
 * @param step the last one that was done
 * @param best the least validation loss so far; infinite before the first
 * @param worse validations since that one
 * @param curveBytes the length of the curve at that step
 */
record RunState(long step, double best, int worse, long curveBytes) {
  private static final int CHUNK = 1 << 22;

  private static final String RUN = "run"; // what the run was asked for

  /** Returns the state of a run that begins. */
  static RunState first() {
    return new RunState(0, Double.POSITIVE_INFINITY, 0, 0);
  }

  /**
   * Writes a state.
   *
   * @param run what the run was asked for
   */
  void write(Path file, String run, List<Tensor> tensors) {
    List<SafetensorsWriter.Entry> entries = new ArrayList<>();
    for (int i = 0; i < tensors.size(); i++) {
      Tensor tensor = tensors.get(i);
      entries.add(new SafetensorsWriter.Entry("" + i, dtype(tensor), tensor.shape()));
    }
    Map<String, String> metadata =
        Map.of(
            RUN,
            run,
            "step",
            Long.toString(step),
            "best",
            Double.toString(best),
            "worse",
            Integer.toString(worse),
            "curve_bytes",
            Long.toString(curveBytes));
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    try {
      try (SafetensorsWriter writer = SafetensorsWriter.create(partial, metadata, entries)) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK);
        for (Tensor tensor : tensors) {
          copy(tensor, buffer, writer);
        }
      }
      Files.move(
          partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (UncheckedIOException e) {
      throw PathProblem.unwritable(file, e.getCause());
    } catch (IOException e) {
      throw PathProblem.unwritable(file, e);
    }
  }

  private static DType dtype(Tensor tensor) {
    if (tensor.type() == ElementType.F32) {
      return DType.F32;
    }
    return tensor.type() == ElementType.BF16 ? DType.BF16 : DType.I8;
  }

  private static void copy(Tensor tensor, ByteBuffer buffer, SafetensorsWriter writer) {
    long bytes = tensor.bytes();
    for (long at = 0; at < bytes; at += CHUNK) {
      ByteBuffer part = buffer.slice(0, (int) Math.min(CHUNK, bytes - at));
      tensor.read(at, part);
      writer.bytes(part);
    }
  }

  /**
   * Reads a state, and the tensors of it.
   *
   * @param run what the run is asked for now
   * @throws InvalidRequestException if the state is of a run that was asked for something else
   * @throws ModelFormatException if the file is malformed
   */
  static RunState read(Path file, String run, List<Tensor> tensors) {
    SafetensorsFile state = SafetensorsFile.open(file);
    Map<String, String> metadata = state.metadata();
    require(file, run, metadata);
    for (int i = 0; i < tensors.size(); i++) {
      TensorEntry entry = state.tensors().get("" + i);
      if (entry == null || entry.bytes() != tensors.get(i).bytes()) {
        throw new ModelFormatException(
            file, "tensor " + i, tensors.get(i).bytes() + " bytes", String.valueOf(entry));
      }
      restore(entry, tensors.get(i));
    }
    try {
      return new RunState(
          Long.parseLong(metadata.get("step")),
          Double.parseDouble(metadata.get("best")),
          Integer.parseInt(metadata.get("worse")),
          Long.parseLong(metadata.get("curve_bytes")));
    } catch (NumberFormatException | NullPointerException e) {
      throw new ModelFormatException(file, "metadata", "how far a run was", metadata.toString(), e);
    }
  }

  /**
   * Returns the step that a state is of, without its tensors.
   *
   * @throws InvalidRequestException as {@link #read}
   */
  static long stepOf(Path file, String run) {
    Map<String, String> metadata = SafetensorsFile.open(file).metadata();
    require(file, run, metadata);
    return Long.parseLong(metadata.get("step"));
  }

  private static void require(Path file, String run, Map<String, String> metadata) {
    String before = metadata.get(RUN);
    if (!run.equals(before)) {
      throw new InvalidRequestException(
          "output",
          "output has a run of "
              + before
              + " in "
              + file
              + ", expected one of "
              + run
              + "; choose another folder, or ask for the same");
    }
  }

  private static void restore(TensorEntry entry, Tensor tensor) {
    ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(CHUNK, entry.bytes()));
    try (FileChannel channel = FileChannel.open(entry.file(), StandardOpenOption.READ)) {
      for (long at = 0; at < entry.bytes(); at += CHUNK) {
        ByteBuffer part = buffer.slice(0, (int) Math.min(CHUNK, entry.bytes() - at));
        while (part.hasRemaining()) {
          if (channel.read(part, entry.offset() + at + part.position()) < 0) {
            throw new ModelFormatException(entry.file(), entry.name(), "all its bytes", "an end");
          }
        }
        tensor.write(at, part.flip());
      }
    } catch (IOException e) {
      throw PathProblem.unreadable(entry.file(), "file", "a file that can be read", e);
    }
  }
}
