package dev.baichuan4j.cli;

import java.io.IOException;

/** Messages from standard input where it is no terminal: a file or another program's output. */
final class PipedMessages implements Messages {
  private final StandardInput input = new StandardInput();

  @Override
  public String next() throws IOException {
    StringBuilder text = new StringBuilder();
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String continued = Messages.continued(line);
      if (continued == null) {
        return text.append(line).toString();
      }
      text.append(continued).append('\n');
    }
    return text.isEmpty() ? null : text.toString(); // The last line ended in a backslash.
  }

  @Override
  public boolean isInteractive() {
    return false;
  }

  @Override
  public void onInterrupt(Runnable action) {
    // Ctrl-C ends the program.
  }

  @Override
  public void clearScreen() {
    // There is none.
  }
}
