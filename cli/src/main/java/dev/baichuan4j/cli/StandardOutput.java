package dev.baichuan4j.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The stream below {@link Terminal#out()}. A {@code PrintStream} keeps each {@code IOException} to
 * itself; this one throws an unchecked exception instead, which a {@code PrintStream} lets pass, so
 * that no result is lost without a word and nothing goes on for a reader that has gone.
 */
final class StandardOutput extends OutputStream {
  private final OutputStream stream;

  StandardOutput(OutputStream stream) {
    this.stream = stream;
  }

  /** Standard output cannot be written. */
  static final class Failure extends UncheckedIOException {
    private static final long serialVersionUID = 1L;

    private Failure(IOException cause) {
      super("standard output has failed with " + cause.getMessage(), cause);
    }

    /** Whether it was a pipe whose reader has gone (EPIPE), which is no reason to complain. */
    boolean isReaderGone() {
      return String.valueOf(getCause().getMessage()).contains("Broken pipe") || isPipe();
    }

    /** A pipe fails for no other reason; the text of the system's message follows the locale. */
    private static boolean isPipe() {
      try {
        return Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString().startsWith("pipe:");
      } catch (IOException e) {
        return false; // There is no /proc.
      }
    }
  }

  @Override
  public void write(int b) {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    try {
      stream.write(bytes, offset, length);
    } catch (IOException e) {
      throw new Failure(e);
    }
  }

  @Override
  public void flush() {
    try {
      stream.flush();
    } catch (IOException e) {
      throw new Failure(e);
    }
  }
}
