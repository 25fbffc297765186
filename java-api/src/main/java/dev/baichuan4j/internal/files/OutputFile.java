package dev.baichuan4j.internal.files;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that appears under its name, in place of the one that has it, when all of it is on the
 * disk. Until then it is {@code .NAME.partial} in the same folder, and {@link #close} without
 * {@link #commit} removes it; one that a killed process has left is removed by the next writer of
 * the same target. Only its owner may read it. For one thread.
 */
public final class OutputFile implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OutputFile.class);

  private final Path target;
  private final Path partial;
  private final WriterLock lock;
  private boolean committed;
  private boolean closed;

  private OutputFile(Path target, Path partial, WriterLock lock) {
    this.target = target;
    this.partial = partial;
    this.lock = lock;
  }

  /**
   * Begins a file. A symbolic link stays one: what it leads to is replaced.
   *
   * @param magic how the file begins: what has the name {@code .NAME.partial} and begins otherwise
   *     is somebody's own and left alone
   * @throws InvalidRequestException if something else than a file has the name, or it is not a path
   *     of the system's files
   * @throws OutputException if it cannot be written, or another writer has the same target
   * @throws OperationInterruptedException if the thread is interrupted
   */
  public static OutputFile create(Path file, byte[] magic) {
    if (!PathProblem.isOfTheSystem(file)) {
      throw new InvalidRequestException(
          "file", "file has value " + file.toUri() + ", expected one of the system's own files");
    }
    Path absolute = file.toAbsolutePath().normalize();
    if (absolute.getFileName() == null || Files.exists(file) && !Files.isRegularFile(file)) {
      throw new InvalidRequestException(
          "file",
          "file has value "
              + file
              + ", expected the name of a file: "
              + (Files.isDirectory(file) ? "it is a folder" : "something else is there"));
    }
    try {
      Path folder = absolute.getParent().toRealPath();
      Path target = Files.exists(file) ? file.toRealPath() : folder.resolve(absolute.getFileName());
      Path partial = target.resolveSibling("." + target.getFileName() + ".partial");
      return new OutputFile(target, partial, begin(file, partial, magic));
    } catch (IOException e) {
      throw PathProblem.unwritable(file, e);
    }
  }

  private static WriterLock begin(Path file, Path partial, byte[] magic) throws IOException {
    FileAttribute<?>[] ownersAlone =
        partial.getFileSystem().supportedFileAttributeViews().contains("posix")
            ? new FileAttribute<?>[] {
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
            }
            : new FileAttribute<?>[0];
    while (true) {
      WriterLock lock = WriterLock.take(partial, file, () -> {}, ownersAlone);
      boolean kept = false;
      try {
        if (!lock.isNew() && !begins(lock.channel(), magic)) {
          throw new OutputException(file, "something else at " + partial, "nothing there", null);
        }
        if (lock.isNew()) {
          write(lock.channel(), ByteBuffer.wrap(magic), 0);
          kept = true;
          return lock;
        }
        Files.delete(partial); // its writer was killed
      } catch (IOException e) {
        if (lock.isNew()) {
          Files.deleteIfExists(partial);
        }
        throw e;
      } finally {
        if (!kept) {
          lock.close();
        }
      }
    }
  }

  private static boolean begins(FileChannel channel, byte[] magic) throws IOException {
    ByteBuffer start = ByteBuffer.allocate(magic.length);
    while (start.hasRemaining() && channel.read(start, start.position()) > 0) {
      // Reads on.
    }
    return start.flip().mismatch(ByteBuffer.wrap(magic, 0, start.limit())) < 0;
  }

  /**
   * Writes the bytes of a buffer at an offset.
   *
   * @throws OutputException if that fails
   * @throws OperationInterruptedException if the thread is interrupted
   */
  public void write(ByteBuffer bytes, long offset) {
    try {
      write(lock.channel(), bytes, offset);
    } catch (IOException e) {
      throw PathProblem.unwritable(target, e);
    }
  }

  private static void write(FileChannel channel, ByteBuffer bytes, long offset) throws IOException {
    long at = offset;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }

  /**
   * Puts the bytes on the disk and gives the file its name, as the last step.
   *
   * @throws OutputException if that fails
   * @throws OperationInterruptedException if the thread is interrupted
   */
  public void commit() {
    try {
      lock.channel().force(true);
      Files.move(
          partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw PathProblem.unwritable(target, e);
    }
    committed = true;
    // The name is in the folder, which not every system lets a program write out.
    try (FileChannel folder = FileChannel.open(target.getParent(), StandardOpenOption.READ)) {
      folder.force(true);
    } catch (IOException e) {
      LOG.debug("{} is not written out by itself: {}", target.getParent(), e.toString());
    }
  }

  /** Removes what was not committed, and lets others write the target. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try (lock) {
      if (!committed) {
        Files.deleteIfExists(partial);
      }
    } catch (IOException e) {
      LOG.warn("{} cannot be removed: {}", partial, e.toString());
    }
  }
}
