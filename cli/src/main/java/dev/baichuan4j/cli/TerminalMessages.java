package dev.baichuan4j.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.InfoCmp.Capability;

/** Messages that a person types, with a line editor and a history. */
final class TerminalMessages implements Messages, AutoCloseable {
  private final org.jline.terminal.Terminal terminal;
  private final LineReader reader;
  private volatile Runnable interrupt = () -> {};

  TerminalMessages() throws IOException {
    terminal =
        TerminalBuilder.builder()
            .system(true)
            .dumb(true)
            .encoding(StandardCharsets.UTF_8)
            .stdinEncoding(StandardCharsets.UTF_8)
            .stdoutEncoding(StandardCharsets.UTF_8)
            .build();
    // For the whole conversation: a Ctrl-C that comes when an answer has just ended, or while an
    // editor is open, must not end the program. The line reader has a handler of its own.
    terminal.handle(Signal.INT, signal -> interrupt.run());
    LineReaderBuilder builder =
        LineReaderBuilder.builder()
            .terminal(terminal)
            .appName("baichuan")
            // Without this, "!" and "\\" in a message would be taken for history commands.
            .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true);
    try {
      Path history = LineHistory.prepare(System.getenv());
      builder.variable(LineReader.HISTORY_FILE, history);
    } catch (IOException e) {
      Terminal.err().println("baichuan: the history of lines is not kept: " + e.getMessage());
    }
    reader = builder.build();
  }

  @Override
  public String next() {
    StringBuilder text = new StringBuilder();
    while (true) {
      try {
        String line = reader.readLine(text.isEmpty() ? "\n用户：" : "... ");
        String continued = Messages.continued(line);
        if (continued == null) {
          return text.append(line).toString();
        }
        text.append(continued).append('\n');
      } catch (UserInterruptException e) { // Ctrl-C drops the line; TERM interrupts the thread
        if (Interruption.isRequested()) {
          return null;
        }
        text.setLength(0);
      } catch (EndOfFileException e) {
        return null;
      }
    }
  }

  @Override
  public boolean isInteractive() {
    return true;
  }

  @Override
  public void onInterrupt(Runnable action) {
    interrupt = action;
  }

  @Override
  public void clearScreen() {
    terminal.puts(Capability.clear_screen);
    terminal.flush();
  }

  @Override
  public void close() throws IOException {
    terminal.close();
  }
}
