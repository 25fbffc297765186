package dev.baichuan4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.baichuan4j.ProgressListener;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Standard output and error in UTF-8, whatever the locale; JSON; progress bars on standard error.
 */
final class Terminal {
  private static final PrintStream OUT =
      new PrintStream(
          new StandardOutput(new FileOutputStream(FileDescriptor.out)),
          true,
          StandardCharsets.UTF_8);
  private static final PrintStream ERR =
      new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);

  private Terminal() {}

  /** Made when it is first needed: that takes longer than all else of a start. */
  private static final class Json {
    static final ObjectMapper MAPPER = new ObjectMapper();
  }

  /**
   * Standard output, for results alone. Everything that is printed to it throws {@link
   * StandardOutput.Failure} when it cannot be written.
   */
  static PrintStream out() {
    return OUT;
  }

  /** Standard error, for messages; a failure to write there has nowhere to be told. */
  static PrintStream err() {
    return ERR;
  }

  static ObjectMapper json() {
    return Json.MAPPER;
  }

  /** Prints a value as JSON on a line; the keys of maps keep their order, so maps are linked. */
  static void printJson(Object value) {
    try {
      OUT.println(json().writeValueAsString(value));
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether a person is there: standard input and standard output are both a terminal. */
  static boolean isInteractive() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (ReflectiveOperationException e) {
      return true; // Before Java 22 there is a console only where there is a terminal.
    }
  }

  /** A bar that appears when work takes noticeably long and only on a terminal. */
  static final class Bar implements ProgressListener, AutoCloseable {
    private static final long PATIENCE_NANOS = 500_000_000L;

    private final long start = System.nanoTime();
    private ProgressBar bar;

    @Override
    public void progress(String task, long done, long total) {
      if (bar == null && System.nanoTime() - start > PATIENCE_NANOS && isInteractive()) {
        bar =
            new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total)
                .setStyle(ProgressBarStyle.ASCII)
                .build();
      }
      if (bar != null) {
        bar.stepTo(done);
      }
    }

    @Override
    public void close() {
      if (bar != null) {
        bar.close();
      }
    }
  }
}
