package dev.baichuan4j.internal.train;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.files.PathProblem;
import dev.baichuan4j.internal.files.WriterLock;
import dev.baichuan4j.internal.nn.Parameter;
import dev.baichuan4j.internal.nn.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The folder of a run: {@code curve.jsonl}, {@code checkpoint.safetensors}, with early stopping
 * {@code best.safetensors}, and in the end the result. One run at a time writes it.
 */
final class RunFolder implements AutoCloseable {
  private static final String CHECKPOINT = "checkpoint.safetensors";
  private static final String BEST = "best.safetensors";
  private static final String CURVE = "curve.jsonl";
  private static final String LOCK = ".run.lock";

  private final Path path;
  private final String run;
  private WriterLock lock;

  /**
   * @param run what the run is asked for, in one line
   */
  RunFolder(Path path, String run) {
    this.path = path;
    this.run = run;
  }

  Path path() {
    return path;
  }

  /**
   * Returns the step that a run before has reached; 0 where there was none.
   *
   * @throws InvalidRequestException if the folder is of a run that was asked for something else, or
   *     has other files
   */
  long reached() {
    if (Files.exists(path.resolve(CHECKPOINT))) {
      return RunState.stepOf(path.resolve(CHECKPOINT), run);
    }
    if (Files.exists(path)) {
      requireOwn();
    }
    return 0;
  }

  /** A run that was killed before its first checkpoint has left a curve. */
  private void requireOwn() {
    if (!Files.isDirectory(path)) {
      throw new InvalidRequestException(
          "output", "output has value " + path + ", which is a file, expected a folder");
    }
    List<String> own = List.of(CURVE, LOCK, BEST, CHECKPOINT + ".partial", BEST + ".partial");
    try (Stream<Path> entries = Files.list(path)) {
      List<String> others =
          entries
              .map(entry -> entry.getFileName().toString())
              .filter(name -> !own.contains(name))
              .toList();
      if (!others.isEmpty()) {
        throw new InvalidRequestException(
            "output",
            "output has value "
                + path
                + ", where there is "
                + others.get(0)
                + ", expected a new folder or that of a run");
      }
    } catch (IOException e) {
      throw PathProblem.unwritable(path, e);
    }
  }

  /** Makes the folder, and keeps other runs out of it. */
  void open() {
    try {
      Files.createDirectories(path);
      lock = WriterLock.take(path.toRealPath().resolve(LOCK), path, () -> {});
    } catch (IOException e) {
      throw PathProblem.unwritable(path, e);
    }
  }

  /** Reads the tensors of the checkpoint, where there is one, and returns how far it was. */
  RunState restore(List<Tensor> tensors) {
    Path checkpoint = path.resolve(CHECKPOINT);
    return Files.exists(checkpoint) ? RunState.read(checkpoint, run, tensors) : RunState.first();
  }

  void save(RunState state, List<Tensor> tensors) {
    state.write(path.resolve(CHECKPOINT), run, tensors);
  }

  void saveBest(RunState state, List<Parameter> parameters) {
    state.write(path.resolve(BEST), run, weights(parameters));
  }

  /** Brings back the weights of the best validation. */
  void restoreBest(List<Parameter> parameters) {
    RunState.read(path.resolve(BEST), run, weights(parameters));
  }

  private static List<Tensor> weights(List<Parameter> parameters) {
    return parameters.stream().map(Parameter::weight).toList();
  }

  CurveFile curve(long bytes) {
    return new CurveFile(path.resolve(CURVE), bytes);
  }

  long curveBytes() {
    try {
      return Files.size(path.resolve(CURVE));
    } catch (IOException e) {
      throw PathProblem.unwritable(path, e);
    }
  }

  /** Writes what the run has made, and removes what it would need to go on. */
  void finish(Checkpoint base, RunSettings settings, List<Parameter> parameters) {
    switch (settings.method()) {
      case LORA, QLORA -> ResultFiles.writeAdapter(path, base, settings, parameters);
      case FULL -> ResultFiles.writeCheckpoint(path, base, parameters);
    }
    try {
      Files.deleteIfExists(path.resolve(CHECKPOINT));
      Files.deleteIfExists(path.resolve(BEST));
    } catch (IOException e) {
      throw PathProblem.unwritable(path, e);
    }
  }

  @Override
  public void close() {
    if (lock == null) {
      return;
    }
    try (WriterLock own = lock) {
      Files.deleteIfExists(path.toRealPath().resolve(LOCK));
    } catch (IOException e) {
      throw PathProblem.unwritable(path, e);
    }
  }
}
