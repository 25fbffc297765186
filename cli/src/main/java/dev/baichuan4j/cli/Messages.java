package dev.baichuan4j.cli;

import java.io.IOException;

/** Where the lines of a conversation come from. */
interface Messages {
  /**
   * Returns the next message: a line, with those that follow where it ends in a backslash; null at
   * the end.
   */
  String next() throws IOException;

  /** Whether a person reads along, for whom there are prompts. */
  boolean isInteractive();

  /** Says what Ctrl-C does while an answer is written. */
  void onInterrupt(Runnable action);

  /** Clears the screen, where there is one. */
  void clearScreen();

  /** The line without a backslash at its end, or null where it has none. */
  static String continued(String line) {
    return line.endsWith("\\") ? line.substring(0, line.length() - 1) : null;
  }
}
