package dev.baichuan4j.cli;

import dev.baichuan4j.InvalidRequestException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;

/** Lines of standard input, which is UTF-8 whatever the locale. For one thread. */
final class StandardInput {
  private final InputStream stream;
  private long line;

  StandardInput() {
    this(isClosed() ? InputStream.nullInputStream() : new Descriptor());
  }

  StandardInput(InputStream stream) {
    this.stream = new BufferedInputStream(stream, 1 << 16);
  }

  /** Tells while it waits. */
  private static final class Descriptor extends FileInputStream {
    private Descriptor() {
      super(FileDescriptor.in);
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      Interruption.waitingForInput(true);
      try {
        return super.read(bytes, offset, length);
      } finally {
        Interruption.waitingForInput(false);
      }
    }
  }

  /**
   * Returns the next line without its end, or null at the end of the input.
   *
   * @throws InvalidRequestException when the line is not UTF-8
   */
  String readLine() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int b = stream.read();
    if (b < 0) {
      return null;
    }
    line++;
    for (; b >= 0 && b != '\n'; b = stream.read()) {
      bytes.write(b);
    }
    byte[] all = bytes.toByteArray();
    int length = all.length > 0 && all[all.length - 1] == '\r' ? all.length - 1 : all.length;
    try {
      return Utf8.decode(Arrays.copyOf(all, length));
    } catch (Utf8.MalformedException e) {
      throw new InvalidRequestException(
          "input", "line " + line + " of standard input has " + e.getMessage());
    }
  }

  /** Returns all that is left, as it is, without a line break at its end. */
  byte[] readAll() throws IOException {
    byte[] all = stream.readAllBytes();
    int length = all.length;
    length -= length > 0 && all[length - 1] == '\n' ? 1 : 0;
    length -= length < all.length && length > 0 && all[length - 1] == '\r' ? 1 : 0;
    return Arrays.copyOf(all, length);
  }

  /** The number of the last line that was read, from 1 on. */
  long line() {
    return line;
  }

  /**
   * Whether the program was started without a standard input ({@code <&-}). The first file that
   * Java opens for itself then gets descriptor 0: its {@code lib/modules} or another of its files,
   * or a jar of the class path. Such a file was never meant to be read. Where there is no /proc
   * this cannot be seen; the {@code baichuan} script gives every program an input.
   */
  static boolean isClosed() {
    Path target;
    try {
      target = Files.readSymbolicLink(Path.of("/proc/self/fd/0"));
    } catch (IOException e) {
      return Files.isDirectory(Path.of("/proc/self/fd"));
    }
    Stream<String> ofJava =
        Stream.concat(
            Stream.of(System.getProperty("java.home")),
            Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator)));
    return ofJava.filter(path -> !path.isEmpty()).anyMatch(path -> isOrHolds(path, target));
  }

  private static boolean isOrHolds(String path, Path target) {
    try {
      Path real = Path.of(path).toRealPath();
      return target.equals(real)
          || (path.equals(System.getProperty("java.home")) && target.startsWith(real));
    } catch (IOException | InvalidPathException e) {
      return false; // An entry of the class path that is not there.
    }
  }
}
