package dev.baichuan4j.internal.train;

import dev.baichuan4j.FineTuner.Step;
import dev.baichuan4j.internal.files.PathProblem;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/**
 * {@code curve.jsonl}: a line a step, written when the step is done. It is no channel, which an
 * interrupt would close in the middle of a line.
 */
final class CurveFile implements AutoCloseable {
  private final Path path;
  private final RandomAccessFile file;

  /**
   * Opens a curve.
   *
   * @param bytes where it goes on: the steps behind that are done again
   */
  CurveFile(Path path, long bytes) {
    this.path = path;
    try {
      this.file = new RandomAccessFile(path.toFile(), "rw");
      file.setLength(Math.min(bytes, file.length()));
      file.seek(file.length());
    } catch (IOException e) {
      throw PathProblem.unwritable(path, e);
    }
  }

  /** Adds a step. */
  void add(Step step) {
    // Numbers as Java writes them are JSON's, since none of them is infinite or NaN.
    String line =
        String.format(
            Locale.ROOT,
            "{\"step\": %d, \"epoch\": %.4f, \"loss\": %s, \"rate\": %s, \"norm\": %s%s}\n",
            step.step(),
            step.epoch(),
            step.loss(),
            step.rate(),
            step.norm(),
            step.validation().isPresent()
                ? ", \"validation\": " + step.validation().getAsDouble()
                : "");
    try {
      file.write(line.getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw PathProblem.unwritable(path, e);
    }
  }

  /** Returns how long it is; what was added is on the disk then. */
  long bytes() {
    try {
      file.getFD().sync();
      return file.length();
    } catch (IOException e) {
      throw PathProblem.unwritable(path, e);
    }
  }

  @Override
  public void close() {
    try {
      file.close();
    } catch (IOException e) {
      throw PathProblem.unwritable(path, e);
    }
  }
}
