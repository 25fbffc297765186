package dev.baichuan4j.internal.files;

import dev.baichuan4j.OutputException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A file that has one writer at a time, of all threads and processes: the one that holds a lock on
 * it. The system releases the lock with the process, however that ends, so whoever gets the lock of
 * a file that was there already knows that its writer was killed.
 */
public final class WriterLock implements Closeable {
  /**
   * The files that this process has. A second channel to one must not even be opened: closing it
   * would release the lock of the first (POSIX, fcntl).
   */
  private static final Set<Path> OWNED = ConcurrentHashMap.newKeySet();

  /** What has to be there before the file can be made. */
  public interface Preparation {
    void run() throws IOException;
  }

  private final Path file;
  private final FileChannel channel;
  private final boolean isNew;

  private WriterLock(Path file, FileChannel channel, boolean isNew) {
    this.file = file;
    this.channel = channel;
    this.isNew = isNew;
  }

  /**
   * Takes the lock of a file, which is made if it is not there.
   *
   * @param file the same path for every writer
   * @param target what is to be written, for messages
   * @param preparation is run before each attempt
   * @param attributes of the file if it is made
   * @throws OutputException if another writer has it
   */
  public static WriterLock take(
      Path file, Path target, Preparation preparation, FileAttribute<?>... attributes)
      throws IOException {
    if (!OWNED.add(file)) {
      throw taken(target);
    }
    WriterLock lock = null;
    try {
      while (lock == null) {
        preparation.run();
        lock = tryOnce(file, target, attributes);
      }
      return lock;
    } finally {
      if (lock == null) {
        OWNED.remove(file);
      }
    }
  }

  /** Returns null where a writer has just finished, or just begun. */
  private static WriterLock tryOnce(Path file, Path target, FileAttribute<?>... attributes)
      throws IOException {
    Optional<Object> before = key(file);
    Set<OpenOption> options =
        before.isPresent()
            ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)
            : Set.of(
                StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
    FileChannel channel;
    try {
      channel =
          FileChannel.open(
              file, options, before.isPresent() ? new FileAttribute<?>[0] : attributes);
    } catch (NoSuchFileException | FileAlreadyExistsException e) {
      return null;
    }
    boolean kept = false;
    try {
      if (channel.tryLock() == null) {
        throw taken(target);
      }
      // A writer that finishes removes or renames the file: the lock may be one on a file that has
      // not this name any more, while another has made it anew.
      Optional<Object> after = key(file);
      kept = after.isPresent() && (before.isEmpty() || before.equals(after));
      return kept ? new WriterLock(file, channel, before.isEmpty()) : null;
    } catch (IOException e) {
      if (before.isEmpty()) {
        Files.deleteIfExists(file); // this one has made it
      }
      throw e;
    } finally {
      if (!kept) {
        channel.close();
      }
    }
  }

  /** What tells a file from another that has its name later; empty if there is none. */
  private static Optional<Object> key(Path file) throws IOException {
    try {
      BasicFileAttributes attributes =
          Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      return Optional.of(List.of(String.valueOf(attributes.fileKey()), attributes.creationTime()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private static OutputException taken(Path target) {
    return new OutputException(
        target,
        "another writer at work on it",
        "one at a time; wait for it, or choose another target",
        null);
  }

  /** The file, open for reading and writing. */
  FileChannel channel() {
    return channel;
  }

  /** Whether the file was made by this writer; else a writer that was killed has left it. */
  boolean isNew() {
    return isNew;
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      OWNED.remove(file);
    }
  }
}
