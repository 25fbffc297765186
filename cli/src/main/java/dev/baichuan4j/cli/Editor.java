package dev.baichuan4j.cli;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A message written in the editor that EDITOR names, or vim. */
final class Editor {
  private static final int NOT_FOUND = 127; // of a shell

  /** The shell reads the variable itself: Java has lost what the locale's character set lacks. */
  private static final String COMMAND = "eval \"${EDITOR:-vim} \\\"\\$1\\\"\"";

  private Editor() {}

  /**
   * Opens the editor on an empty file and returns what was written.
   *
   * @param terminal whether standard input is a terminal; else the editor gets none, because what
   *     is there is the rest of the conversation
   * @throws IOException with a message for a person when there is no editor, it fails, or what it
   *     wrote is not UTF-8 text; then the file is kept
   */
  static String write(boolean terminal) throws IOException, InterruptedException {
    Path file = Files.createTempFile("baichuan", ".txt");
    boolean keep = false;
    try {
      ProcessBuilder builder =
          new ProcessBuilder("sh", "-c", COMMAND, "sh", file.toString()).inheritIO();
      if (!terminal) {
        builder.redirectInput(new File("/dev/null"));
      }
      int code = builder.start().waitFor();
      keep = Files.size(file) > 0;
      if (code != 0) {
        throw new IOException(
            "editor "
                + Optional.ofNullable(System.getenv("EDITOR"))
                    .filter(e -> !e.isEmpty())
                    .orElse("vim")
                + (code == NOT_FOUND ? " is not there" : " has failed with exit code " + code)
                + "; set EDITOR to one that works"
                + (keep ? "; what was written is in " + file : ""));
      }
      String text = InputFile.read(file);
      keep = false;
      return text;
    } catch (InputFile.UnusableException e) {
      throw new IOException("file " + file + " of the editor is kept: " + e.getMessage(), e);
    } finally {
      if (!keep) {
        Files.deleteIfExists(file);
      }
    }
  }
}
