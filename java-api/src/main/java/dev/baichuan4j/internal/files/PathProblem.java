package dev.baichuan4j.internal.files;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutputException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;

/** Says in the words of this library's messages why a path cannot be read or written. */
public final class PathProblem {
  private PathProblem() {}

  /**
   * Returns whether something is at a path that may be absent.
   *
   * @throws ModelFormatException if that cannot be known, or a symbolic link there leads nowhere
   */
  public static boolean isThere(Path path) {
    try {
      Files.readAttributes(path, BasicFileAttributes.class);
      return true;
    } catch (NoSuchFileException e) {
      if (Files.isSymbolicLink(path)) {
        throw nothing(path, "a file", e);
      }
      return false;
    } catch (IOException e) {
      throw unreadable(path, "path", "a file", e);
    }
  }

  /**
   * Returns what is at a path, symbolic links followed.
   *
   * @param expected what should be there, for the message
   * @throws ModelFormatException if nothing is, or it cannot be known
   */
  public static BasicFileAttributes require(Path path, String expected) {
    try {
      return Files.readAttributes(path, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      throw nothing(path, expected, e);
    } catch (IOException e) {
      throw unreadable(path, "path", expected, e);
    }
  }

  /**
   * Checks that a regular file is at a path: a pipe or a device would block or never end.
   *
   * @param expected what should be there, for the message
   * @throws ModelFormatException if not
   */
  public static void requireFile(Path path, String expected) {
    BasicFileAttributes attributes = require(path, expected);
    if (!attributes.isRegularFile()) {
      String found = attributes.isDirectory() ? "a folder" : "something that is no regular file";
      throw new ModelFormatException(path, "path", expected, found);
    }
  }

  private static ModelFormatException nothing(Path path, String expected, IOException e) {
    String found = Files.isSymbolicLink(path) ? "a symbolic link to nothing" : "nothing there";
    return new ModelFormatException(path, "path", expected, found, e);
  }

  /**
   * The failure of reading a file.
   *
   * @throws OperationInterruptedException if the thread's interrupt is what has ended it
   */
  public static ModelFormatException unreadable(
      Path path, String subject, String expected, IOException e) {
    OperationInterruptedException.check("reading " + path);
    String more = e instanceof AccessDeniedException ? " that this user may read" : "";
    return new ModelFormatException(path, subject, expected + more, words(e, path), e);
  }

  /**
   * The failure of writing a file or folder.
   *
   * @param target what was to be written
   * @throws OperationInterruptedException if the thread's interrupt is what has ended it
   */
  public static OutputException unwritable(Path target, IOException e) {
    OperationInterruptedException.check("writing " + target);
    String found = words(e, target);
    String expected = "a disk that can be written";
    if (e instanceof AccessDeniedException) {
      expected = "a folder that this user may write";
    } else if (e instanceof FileAlreadyExistsException || found.startsWith("a file as a folder")) {
      expected = "a folder";
    } else if (found.startsWith("no space") || found.startsWith("disk quota")) {
      expected = "a disk with room";
    }
    return new OutputException(target, found, expected, e);
  }

  /** What the system says, with the path that it says it of, unless that is the subject. */
  public static String words(IOException e, Path subject) {
    String path = e instanceof FileSystemException system ? system.getFile() : null;
    String at = path == null || path.equals(subject.toString()) ? "" : " at " + path;
    if (e instanceof AccessDeniedException) {
      return "permission denied" + at;
    }
    if (e instanceof NoSuchFileException) {
      return "nothing there" + at;
    }
    if (e instanceof FileAlreadyExistsException) {
      return "something else there" + at;
    }
    String said = e instanceof FileSystemException system ? system.getReason() : e.getMessage();
    if (said == null) {
      return e.toString();
    }
    if (said.startsWith("Too many levels of symbolic links")) {
      return "a loop of symbolic links" + at;
    }
    return switch (said) {
      case "Not a directory" -> "a file as a folder" + at;
      case "No space left on device" -> "no space left on the device" + at;
      default -> said.substring(0, 1).toLowerCase(Locale.ROOT) + said.substring(1) + at;
    };
  }

  /** Whether a path is one of the system's files and not, for example, inside a zip file. */
  public static boolean isOfTheSystem(Path path) {
    return path.getFileSystem() == FileSystems.getDefault();
  }
}
