package dev.baichuan4j.internal.convert;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Which tensors of a file are written: a line that tells what is written, then a line a tensor,
 * each added when its bytes are on the disk. A line that a killed process has not finished is not
 * counted.
 */
final class Journal implements AutoCloseable {
  private final FileChannel channel;
  private final boolean[] done;
  private final int[] checksums;
  private final double[] losses;

  private Journal(FileChannel channel, int tensors) {
    this.channel = channel;
    this.done = new boolean[tensors];
    this.checksums = new int[tensors];
    this.losses = new double[tensors];
  }

  /** Returns whether a file tells of the same work. */
  static boolean continues(Path file, String work) throws IOException {
    return Files.isRegularFile(file)
        && lines(Files.readString(file, StandardCharsets.ISO_8859_1)).stream()
            .findFirst()
            .filter(work::equals)
            .isPresent();
  }

  /** Opens a file of which {@link #continues} is true, or begins one. */
  static Journal open(Path file, String work, int tensors) throws IOException {
    String text = Files.exists(file) ? Files.readString(file, StandardCharsets.ISO_8859_1) : "";
    List<String> lines = lines(text);
    Journal journal =
        new Journal(
            FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE), tensors);
    try {
      // What is behind the last line end was not finished.
      journal.channel.truncate(text.lastIndexOf('\n') + 1);
      journal.channel.position(journal.channel.size());
      if (lines.isEmpty()) {
        journal.append(work);
      }
      lines.stream().skip(1).forEach(journal::read);
      return journal;
    } catch (IOException | RuntimeException | Error e) {
      journal.close();
      throw e;
    }
  }

  private static List<String> lines(String text) {
    return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
  }

  private void read(String line) {
    String[] parts = line.split(" ");
    if (parts.length == 3 && line.matches("\\d{1,6} [0-9a-f]{1,8} [0-9a-f]{1,16}")) {
      int tensor = Integer.parseInt(parts[0]);
      if (tensor < done.length) {
        done[tensor] = true;
        checksums[tensor] = Integer.parseUnsignedInt(parts[1], 16);
        losses[tensor] = Double.longBitsToDouble(Long.parseUnsignedLong(parts[2], 16));
      }
    }
  }

  boolean isDone(int tensor) {
    return done[tensor];
  }

  int[] checksums() {
    return checksums;
  }

  double[] losses() {
    return losses;
  }

  /** Notes that a tensor is on the disk. */
  void add(int tensor, int checksum, double loss) throws IOException {
    append("%d %x %x".formatted(tensor, checksum, Double.doubleToLongBits(loss)));
    done[tensor] = true;
    checksums[tensor] = checksum;
    losses[tensor] = loss;
  }

  /** Takes back what was noted of a tensor, until it is written anew. */
  void forget(int tensor) {
    done[tensor] = false;
  }

  private void append(String line) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.ISO_8859_1));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
    channel.force(false);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
