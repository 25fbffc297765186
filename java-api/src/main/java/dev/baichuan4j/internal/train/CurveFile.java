package dev.baichuan4j.internal.train;

import dev.baichuan4j.FineTuner.Step;
import dev.baichuan4j.internal.files.PathProblem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/** {@code curve.jsonl}: a line a step, written when the step is done. */
final class CurveFile implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;

  /**
   * Opens a curve.
   *
   * @param bytes where it goes on: the steps behind that are done again
   */
  CurveFile(Path file, long bytes) {
    this.file = file;
    try {
      this.channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      channel.truncate(bytes);
      channel.position(channel.size());
    } catch (IOException e) {
      throw PathProblem.unwritable(file, e);
    }
  }

  /** Adds a step. */
  void add(Step step) {
    // Numbers as Java writes them are JSON's, since none of them is infinite or NaN.
    String line =
        String.format(
            Locale.ROOT,
            "{\"step\": %d, \"epoch\": %.4f, \"loss\": %s, \"rate\": %s, \"norm\": %s%s}%n",
            step.step(),
            step.epoch(),
            step.loss(),
            step.rate(),
            step.norm(),
            step.validation().isPresent()
                ? ", \"validation\": " + step.validation().getAsDouble()
                : "");
    ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.US_ASCII));
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw PathProblem.unwritable(file, e);
    }
  }

  /** Returns how long it is; what was added is on the disk then. */
  long bytes() {
    try {
      channel.force(true);
      return channel.size();
    } catch (IOException e) {
      throw PathProblem.unwritable(file, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw PathProblem.unwritable(file, e);
    }
  }
}
