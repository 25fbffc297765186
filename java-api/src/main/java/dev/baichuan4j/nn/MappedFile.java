package dev.baichuan4j.nn;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.jni.bc_file;
import dev.baichuan4j.jni.global.baichuan;
import java.nio.charset.StandardCharsets;
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
    try (BytePointer name = new BytePointer(path.toString(), StandardCharsets.UTF_8)) {
      if (baichuan.bc_file_open(name, handle) != baichuan.BC_OK) {
        throw new ModelFormatException(
            path, "file", "a readable file", Bindings.text(baichuan.bc_last_error()));
      }
    }
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
