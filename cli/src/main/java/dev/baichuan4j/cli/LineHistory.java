package dev.baichuan4j.cli;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;

/** The file of the lines that a person has typed, which no other user may read. */
final class LineHistory {
  private LineHistory() {}

  /**
   * Creates the file, or takes others' permissions from it, and returns its path: {@code
   * $XDG_STATE_HOME/baichuan/history}, or the same in {@code $HOME/.local/state}, as the XDG Base
   * Directory Specification says.
   *
   * @throws IOException with a message for a person, when there can be none
   */
  static Path prepare(Map<String, String> environment) throws IOException {
    Path file = stateFolder(environment).resolve("baichuan").resolve("history");
    try {
      Files.createDirectories(
          file.getParent(),
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } catch (FileAlreadyExistsException e) {
      if (!Files.isRegularFile(file)) {
        throw new IOException(e.getFile() + " is something else, expected a folder and a file", e);
      }
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    } catch (IOException e) {
      throw new IOException(file + " cannot be created: " + InputFile.reason(e), e);
    }
    return file;
  }

  private static Path stateFolder(Map<String, String> environment) throws IOException {
    String state = environment.getOrDefault("XDG_STATE_HOME", "");
    String home = environment.getOrDefault("HOME", "");
    if (state.startsWith("/")) { // The specification ignores a relative one.
      return path("XDG_STATE_HOME", state);
    }
    if (home.startsWith("/")) {
      return path("HOME", home).resolve(".local").resolve("state");
    }
    throw new IOException("HOME has value " + home + ", expected a folder's absolute path");
  }

  private static Path path(String variable, String value) throws IOException {
    try {
      return Path.of(value);
    } catch (InvalidPathException e) {
      throw new IOException(
          variable + " has value " + value + ", expected a folder's path; set LC_ALL=C.UTF-8", e);
    }
  }
}
