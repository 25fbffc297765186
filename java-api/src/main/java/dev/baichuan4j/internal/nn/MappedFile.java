package dev.baichuan4j.internal.nn;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.jni.bc_file;
import dev.baichuan4j.jni.global.baichuan;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.javacpp.BytePointer;

/** A file mapped for reading. Tensors in it keep the mapping alive after it is closed. */
final class MappedFile implements AutoCloseable {
  private final bc_file handle = new bc_file();
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * @throws ModelFormatException when the file cannot be mapped
   */
  MappedFile(Path path) {
    Bindings.load();
    try (BytePointer name = new BytePointer(systemName(path))) {
      if (baichuan.bc_file_open(name, handle) != baichuan.BC_OK) {
        throw new ModelFormatException(
            path, "file", "a readable file", Bindings.text(baichuan.bc_last_error()));
      }
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

  bc_file handle() {
    if (closed.get()) {
      throw new IllegalStateException("mapped file is closed");
    }
    return handle;
  }

  /** Asks the system to read a range ahead. */
  void readAhead(long offset, long bytes) {
    Bindings.check(baichuan.bc_file_read_ahead(handle(), offset, bytes));
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      Bindings.check(baichuan.bc_file_free(handle));
    }
  }
}
