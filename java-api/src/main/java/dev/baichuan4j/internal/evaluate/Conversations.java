package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.chat.ConversationFile;
import dev.baichuan4j.internal.files.PathProblem;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The conversations of a data file, whose every problem is told with its line. */
final class Conversations {
  private Conversations() {}

  /**
   * Reads all of a file.
   *
   * @throws ModelFormatException when it cannot be read, or a line is no conversation
   */
  static List<ConversationFile.Line> read(Path file) {
    TextFile.read(file); // says where it is not UTF-8
    try {
      return ConversationFile.read(file);
    } catch (IOException e) {
      throw PathProblem.unreadable(file, "file", "a file of conversations", e);
    }
  }
}
