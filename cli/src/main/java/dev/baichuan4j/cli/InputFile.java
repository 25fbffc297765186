package dev.baichuan4j.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Text of a file that a user has named. */
final class InputFile {
  private InputFile() {}

  /** A file cannot be used; the message says why, without the file's name. */
  static final class UnusableException extends Exception {
    private static final long serialVersionUID = 1L;

    private UnusableException(String message) {
      super(message);
    }
  }

  /**
   * Reads a file of UTF-8.
   *
   * @throws UnusableException when it is not there, cannot be read, or is not UTF-8
   */
  static String read(Path file) throws UnusableException {
    if (Files.isDirectory(file)) {
      throw new UnusableException("it is a folder");
    }
    try {
      return Utf8.decode(Files.readAllBytes(file));
    } catch (Utf8.MalformedException e) {
      throw new UnusableException("it has " + e.getMessage());
    } catch (IOException e) {
      throw new UnusableException(reason(e));
    }
  }

  /**
   * Reads the file of an option.
   *
   * @throws ParameterException when it is not there, cannot be read, or is not UTF-8
   */
  static String read(CommandSpec command, String option, Path file) {
    try {
      return read(file);
    } catch (UnusableException e) {
      throw new ParameterException(
          command.commandLine(),
          option
              + " has value "
              + Arguments.text(file)
              + ", expected a file of text that can be read: "
              + e.getMessage());
    }
  }

  /** What the system says about a file, in words. */
  static String reason(IOException failure) {
    if (failure instanceof NoSuchFileException) {
      return "there is none";
    }
    if (failure instanceof AccessDeniedException) {
      return "permission denied";
    }
    String name = failure.getClass().getSimpleName();
    String reason =
        failure instanceof java.nio.file.FileSystemException e && e.getReason() != null
            ? e.getReason()
            : String.valueOf(failure.getMessage());
    return failure.getClass() == IOException.class
            || failure.getClass() == java.nio.file.FileSystemException.class
        ? reason
        : name + " " + reason;
  }
}
