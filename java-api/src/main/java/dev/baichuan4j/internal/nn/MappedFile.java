package dev.baichuan4j.internal.nn;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.nn.Bindings.NativeFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;

/** A file mapped for reading. Tensors in it keep the mapping alive after it is closed. */
final class MappedFile implements AutoCloseable {
  private final NativeFile handle;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * @throws ModelFormatException when the file cannot be mapped
   */
  MappedFile(Path path) {
    try {
      handle = new NativeFile(systemName(path));
    } catch (IOException e) {
      throw new ModelFormatException(path, "file", "a readable file", e.getMessage());
    }
  }

  /**
   * The bytes of a file's name, with a zero after them. A path's text is decoded in the character
   * set of the locale, which need not hold them; its URI has the bytes themselves.
   */
  private static byte[] systemName(Path path) {
    String raw = path.toUri().getRawPath();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < raw.length(); i++) {
      if (raw.charAt(i) == '%') {
        bytes.write(Integer.parseInt(raw.substring(i + 1, i + 3), 16));
        i += 2;
      } else {
        bytes.write(raw.charAt(i));
      }
    }
    bytes.write(0);
    return bytes.toByteArray();
  }

  NativeFile handle() {
    if (closed.get()) {
      throw new IllegalStateException("mapped file is closed");
    }
    return handle;
  }

  /** Asks the system to read a range ahead. */
  void readAhead(long offset, long bytes) {
    handle().readAhead(offset, bytes);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      handle.free();
    }
  }
}
