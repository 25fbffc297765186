package dev.baichuan4j.internal.files;

import dev.baichuan4j.ModelFormatException;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file that is read at offsets, each read checked against the file's size. */
public final class FileBytes implements Closeable {

  /** How a file begins that Git LFS has left in place of the real one. */
  private static final String LFS_POINTER = "version https://git-lfs";

  private final Path file;
  private final FileChannel channel;
  private final long size;

  private FileBytes(Path file, FileChannel channel, long size) {
    this.file = file;
    this.channel = channel;
    this.size = size;
  }

  /**
   * Opens a regular file; a pipe or a device would block or never end.
   *
   * @throws ModelFormatException if there is no such file, it cannot be read, or it is a Git LFS
   *     pointer
   */
  public static FileBytes open(Path file) {
    return open(file, "a file");
  }

  private static FileBytes open(Path file, String expected) {
    PathProblem.requireFile(file, expected);
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      FileBytes bytes = new FileBytes(file, channel, channel.size());
      if (bytes.startsWith(LFS_POINTER)) {
        channel.close();
        throw new ModelFormatException(
            file, "content", "the file itself; run `git lfs pull`", "a Git LFS pointer");
      }
      return bytes;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * Reads a whole small file.
   *
   * @param expected what should be there, for the message
   * @throws ModelFormatException if it cannot be read or is longer than {@code limit} bytes
   */
  public static byte[] readAll(Path file, int limit, String expected) {
    try (FileBytes bytes = open(file, expected)) {
      if (bytes.size > limit) {
        throw new ModelFormatException(
            file, "file", "at most " + limit + " bytes", bytes.size + " bytes");
      }
      return bytes.read(0, bytes.size, "file").array();
    }
  }

  public Path file() {
    return file;
  }

  public long size() {
    return size;
  }

  /**
   * Reads into a little-endian buffer.
   *
   * @param subject what is read, for the message
   * @throws ModelFormatException if the range is not inside the file, or reading fails
   */
  public ByteBuffer read(long offset, long length, String subject) {
    if (offset < 0 || length < 0 || length > Integer.MAX_VALUE || offset > size - length) {
      throw new ModelFormatException(
          file,
          subject,
          "bytes inside the file's " + size,
          length + " bytes from offset " + offset + " on");
    }
    ByteBuffer buffer = ByteBuffer.allocate((int) length).order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (buffer.hasRemaining()) {
        if (channel.read(buffer, offset + buffer.position()) < 0) {
          throw new ModelFormatException(
              file, subject, "a file that nobody shortens while it is read", "an early end");
        }
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
    return buffer.flip();
  }

  /** Returns a stream over a range that {@link #read} accepts. */
  public InputStream stream(long offset, long length, String subject) {
    return new InputStream() {
      private static final int CHUNK = 1 << 16;
      private ByteBuffer chunk = ByteBuffer.allocate(0);
      private long next = offset;

      @Override
      public int read() {
        return fill() ? chunk.get() & 0xff : -1;
      }

      @Override
      public int read(byte[] target, int from, int count) {
        if (count == 0) {
          return 0;
        }
        if (!fill()) {
          return -1;
        }
        int some = Math.min(count, chunk.remaining());
        chunk.get(target, from, some);
        return some;
      }

      private boolean fill() {
        if (!chunk.hasRemaining()) {
          long left = offset + length - next;
          chunk = FileBytes.this.read(next, Math.min(CHUNK, left), subject);
          next += chunk.remaining();
        }
        return chunk.hasRemaining();
      }
    };
  }

  public boolean startsWith(String text) {
    byte[] start = text.getBytes(StandardCharsets.ISO_8859_1);
    return size >= start.length
        && ByteBuffer.wrap(start).equals(read(0, start.length, "first bytes"));
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static ModelFormatException unreadable(Path file, IOException e) {
    return PathProblem.unreadable(file, "content", "a readable file", e);
  }
}
