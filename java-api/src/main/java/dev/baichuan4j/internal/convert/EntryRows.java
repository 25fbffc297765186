package dev.baichuan4j.internal.convert;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.files.PathProblem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** The rows of a tensor of a checkpoint; codes are read as f32. */
record EntryRows(TensorEntry entry) implements Rows {
  @Override
  public DType type() {
    return entry.isCoded() ? DType.F32 : entry.dtype();
  }

  @Override
  public long count() {
    return entry.shape()[0];
  }

  @Override
  public int columns() {
    long[] shape = entry.shape();
    return shape.length == 1 ? 1 : (int) shape[1];
  }

  @Override
  public List<TensorEntry> entries() {
    return List.of(entry);
  }

  @Override
  public void read(long first, int count, ByteBuffer target) {
    if (entry.rows().isPresent()) {
      entry.rows().get().read(first, count, true, target);
      return;
    }
    int rowBytes = columns() * entry.dtype().size();
    copy(entry, first * rowBytes, count * rowBytes, target);
  }

  /** Appends bytes of a tensor as they lie. */
  static void copy(TensorEntry entry, long from, int bytes, ByteBuffer target) {
    int end = target.position() + bytes;
    ByteBuffer part = target.duplicate().limit(end);
    try (FileChannel channel = FileChannel.open(entry.file(), StandardOpenOption.READ)) {
      long at = entry.offset() + from;
      while (part.hasRemaining()) {
        int read = channel.read(part, at);
        if (read < 0) {
          throw new ModelFormatException(
              entry.file(),
              entry.name(),
              "a file that nobody shortens while it is read",
              "an early end");
        }
        at += read;
      }
    } catch (IOException e) {
      throw PathProblem.unreadable(entry.file(), entry.name(), "a readable file", e);
    }
    target.position(end);
  }
}
