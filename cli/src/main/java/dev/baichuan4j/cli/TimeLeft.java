package dev.baichuan4j.cli;

import dev.baichuan4j.ProgressListener;
import java.util.Locale;

/**
 * Tells on standard error how much of a long piece of work is done and how long the rest will take:
 * on a terminal once a second on one line, else a line every ten seconds.
 */
final class TimeLeft implements ProgressListener, AutoCloseable {
  private static final long SECOND = 1_000_000_000L;

  private final boolean isTerminal = Terminal.isInteractive();
  private final long begin = System.nanoTime();
  private String task = "";
  private long taskBegin;
  private long doneBefore;
  private long lastTold = begin;
  private boolean told;

  @Override
  public void progress(String what, long done, long total) {
    long now = System.nanoTime();
    if (!what.equals(task)) {
      task = what;
      taskBegin = now;
      doneBefore = done; // of a run before
    }
    if (now - lastTold < (isTerminal ? SECOND : 10 * SECOND)) {
      return;
    }
    lastTold = now;
    told = true;
    String line =
        String.format(
            Locale.ROOT,
            "%s: %s of %s, %s",
            what,
            DoctorCommand.size(done),
            DoctorCommand.size(total),
            left(done, total, now - taskBegin));
    if (isTerminal) {
      Terminal.err().print("\r" + line + "      ");
      Terminal.err().flush();
    } else {
      Terminal.err().println(line);
    }
  }

  private String left(long done, long total, long nanos) {
    if (done <= doneBefore) {
      return "time left unknown";
    }
    double seconds = nanos / 1e9 * (total - done) / (done - doneBefore);
    return String.format(
        Locale.ROOT, "%d:%02d left", Math.round(seconds) / 60, Math.round(seconds) % 60);
  }

  @Override
  public void close() {
    if (told && isTerminal) {
      Terminal.err().println();
    }
  }
}
