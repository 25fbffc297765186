package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutputException;
import dev.baichuan4j.internal.files.PathProblem;
import dev.baichuan4j.internal.files.WriterLock;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A folder that appears under its name when all of it is written:
 *
 * <pre>{@code
 * try (OutputFolder folder = OutputFolder.create(target)) {
 *   Files.writeString(folder.path().resolve("file"), "text");
 *   folder.commit();
 * }
 * }</pre>
 *
 * <p>What appears may be a single file as well: whatever {@link #path} is made to be.
 *
 * <p>Until then its files are in {@code .NAME.partial} beside it, and {@link #close} without {@link
 * #commit} removes them, or leaves them after {@link #keep} for a writer that goes on with them
 * ({@link #resume}). That folder has one writer at a time: the one that holds a lock on the file
 * {@code lock} in it. The system releases the lock with the process, however that ends, so the next
 * writer of the same target knows that what it finds belongs to nobody, and removes it.
 *
 * <p>For one thread.
 */
public final class OutputFolder implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OutputFolder.class);

  private static final String LOCK = "lock";
  private static final String CONTENT = "content";
  private static final String NOTES = "notes";

  private final Path target;
  private final Path partial;
  private final WriterLock lock;
  private boolean kept;
  private boolean closed;

  private OutputFolder(Path target, Path partial, WriterLock lock) {
    this.target = target;
    this.partial = partial;
    this.lock = lock;
  }

  /**
   * Takes a target for this writer, creates the folders above it, and removes what a writer has
   * left that was killed.
   *
   * @throws InvalidRequestException if something has the target's name, or it is not a path of the
   *     system's files
   * @throws OutputException if another writer has the same target, or a folder cannot be written
   * @throws OperationInterruptedException if the thread is interrupted
   */
  public static OutputFolder create(Path target) {
    OutputFolder folder = resume(target);
    boolean ready = false;
    try {
      folder.clear();
      Files.createDirectory(folder.path());
      ready = true;
      return folder;
    } catch (IOException e) {
      throw failure(folder.target, e);
    } finally {
      if (!ready) {
        folder.close();
      }
    }
  }

  /**
   * As {@link #create}, but leaves what is there of a writer before: {@link #path} and {@link
   * #notes} may be there or not.
   */
  public static OutputFolder resume(Path target) {
    if (!PathProblem.isOfTheSystem(target)) {
      throw new InvalidRequestException(
          "target",
          "target has value "
              + target.toUri()
              + ", expected a folder of the system's own files: what is written is mapped");
    }
    Path absolute = target.toAbsolutePath().normalize();
    if (absolute.getFileName() == null || Files.exists(absolute, LinkOption.NOFOLLOW_LINKS)) {
      throw new InvalidRequestException(
          "target", "target has value " + target + ", expected a name that is not there yet");
    }
    Path partial = partialOf(absolute);
    try {
      return new OutputFolder(
          absolute,
          partial,
          WriterLock.take(partial.resolve(LOCK), absolute, () -> makeFolder(absolute, partial)));
    } catch (IOException e) {
      throw failure(absolute, e);
    }
  }

  /** Removes what is there, so that the writing begins anew. */
  public void clear() throws IOException {
    delete(path());
    Files.deleteIfExists(notes());
  }

  /** Leaves what is written for a writer that goes on with it. */
  public void keep() {
    kept = true;
  }

  /** The same path for every writer, by whatever symbolic links the target was named. */
  private static Path partialOf(Path target) {
    try {
      Path parent = Files.createDirectories(target.getParent()).toRealPath();
      return parent.resolve("." + target.getFileName() + ".partial");
    } catch (IOException e) {
      throw failure(target, e);
    }
  }

  /** Makes the temporary folder, or takes one that is there. */
  private static void makeFolder(Path target, Path partial) throws IOException {
    try {
      Files.createDirectory(partial);
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(partial, LinkOption.NOFOLLOW_LINKS)
          && Files.exists(partial, LinkOption.NOFOLLOW_LINKS)) {
        throw new OutputException(
            target, "something else at " + partial, "a folder or nothing there; remove it", e);
      }
    }
  }

  /**
   * The failure of writing something of a target.
   *
   * @throws OperationInterruptedException if the thread's interrupt is what has ended it
   */
  public static OutputException failure(Path target, IOException e) {
    return PathProblem.unwritable(target, e);
  }

  /** Returns where to write: an empty folder, unless a writer before has left it. */
  public Path path() {
    return partial.resolve(CONTENT);
  }

  /** Returns a file for what a writer that goes on has to know. */
  public Path notes() {
    return partial.resolve(NOTES);
  }

  /**
   * Checks that there is room for what will be written, as far as the system tells.
   *
   * @param bytes what it takes
   * @throws OutputException if the disk has less
   */
  public void requireRoom(long bytes) {
    // Unlike Files.getFileStore this does without the table of mounts, in which the file system of
    // a chroot has no entry.
    requireRoom(target, bytes, partial.toFile().getUsableSpace());
  }

  /**
   * As above.
   *
   * @param free bytes; 0 if unknown, or there are none, which the first write will show
   */
  static void requireRoom(Path target, long bytes, long free) {
    if (free > 0 && bytes > free) {
      throw new OutputException(
          target, free + " bytes free on its disk", "the " + bytes + " that it takes", null);
    }
  }

  /**
   * Gives the folder its name, as the last step.
   *
   * @throws OutputException if that fails, or something has the name by now
   */
  public void commit() {
    try {
      if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
        throw new FileAlreadyExistsException(target.toString());
      }
      Files.move(path(), target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw failure(target, e);
    }
  }

  /**
   * Removes what was not committed, and lets others write the target. What cannot be removed is
   * logged: the next writer of the target removes it.
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      if (kept) {
        return;
      }
      clear();
      // From here on the folder is anybody's: another writer may make the file anew and keep it.
      Files.deleteIfExists(partial.resolve(LOCK));
      Files.deleteIfExists(partial);
    } catch (DirectoryNotEmptyException e) {
      LOG.debug("{} has another writer already", partial);
    } catch (IOException e) {
      LOG.warn("{} cannot be removed: {}", partial, e.toString());
    } finally {
      release();
    }
  }

  private void release() {
    try {
      lock.close();
    } catch (IOException e) {
      LOG.warn("the lock of {} cannot be released: {}", partial, e.toString());
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      // In reverse order what lies in a folder comes before the folder.
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
