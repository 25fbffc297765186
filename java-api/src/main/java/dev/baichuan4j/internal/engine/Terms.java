package dev.baichuan4j.internal.engine;

import dev.baichuan4j.Priority;
import java.time.Duration;
import java.util.Optional;

/**
 * How a request stands among others.
 *
 * @param caller whose share it counts to
 * @param priority what its tokens count
 * @param timeout from its submission to its end at the latest
 */
public record Terms(String caller, Priority priority, Optional<Duration> timeout) {
  /** What nothing was said about. */
  public static final Terms USUAL = new Terms("", Priority.NORMAL, Optional.empty());

  /** Its time in nanoseconds; the greatest number if it has all the time. */
  long nanos() {
    try {
      return timeout.map(Duration::toNanos).orElse(Long.MAX_VALUE);
    } catch (ArithmeticException e) {
      return Long.MAX_VALUE; // 292 years
    }
  }
}
