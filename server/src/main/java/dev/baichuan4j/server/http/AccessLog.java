package dev.baichuan4j.server.http;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a line of each request: when, caller, method, path, status, bytes, milliseconds, id. What
 * a user wrote, and what the model did, is in it only where that was asked for.
 */
final class AccessLog implements Exchange.Listener {
  private static final Logger LOG = LoggerFactory.getLogger(AccessLog.class);

  @Override
  public void ended(Exchange e) {
    LOG.info(
        "{} {} {} {} {}{} {}B {}ms {}{}{}",
        Instant.now().truncatedTo(ChronoUnit.MILLIS),
        printable(e.caller().orElse("-")),
        printable(e.method()),
        printable(e.path()),
        e.status(),
        e.complete() ? "" : " (client gone)",
        e.responseBytes(),
        String.format(Locale.ROOT, "%.1f", e.time().toNanos() / 1e6),
        e.id(),
        e.requestText().map(text -> " request=" + printable(text)).orElse(""),
        e.responseText().map(text -> " response=" + printable(text)).orElse(""));
  }

  /** Keeps a request from forging a line of the log, or steering a terminal that shows it. */
  static String printable(String text) {
    StringBuilder safe = new StringBuilder(text);
    for (int i = 0; i < safe.length(); i++) {
      char c = safe.charAt(i);
      if (c == '\n') {
        safe.setCharAt(i, '\u23CE');
      } else if (Character.isISOControl(c) || Character.getType(c) == Character.FORMAT) {
        safe.setCharAt(i, '\uFFFD');
      }
    }
    return safe.toString();
  }
}
