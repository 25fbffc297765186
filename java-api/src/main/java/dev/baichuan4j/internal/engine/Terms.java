package dev.baichuan4j.internal.engine;

import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Priority;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * How a request stands among others.
 *
 * @param caller whose share it counts to
 * @param priority what its tokens count
 * @param timeout from its submission to its end at the latest
 * @param salt what is computed of it is shared with requests of the same salt alone
 * @param adapter name of the adapter that is added to the weights for it; empty for none
 */
public record Terms(
    String caller, Priority priority, Optional<Duration> timeout, String salt, String adapter) {
  /** What nothing was said about. */
  public static final Terms USUAL = new Terms("", Priority.NORMAL, Optional.empty());

  /** Terms without a salt or an adapter. */
  public Terms(String caller, Priority priority, Optional<Duration> timeout) {
    this(caller, priority, timeout, "", "");
  }

  /** Returns those of a generation. */
  public static Terms of(GenerationOptions options) {
    return new Terms(
        options.caller(),
        options.priority(),
        options.timeout(),
        options.cacheSalt(),
        options.adapter().orElse(""));
  }

  /** Its time in nanoseconds; the greatest number if it has all the time. */
  long nanos() {
    return timeout.map(TimeUnit.NANOSECONDS::convert).orElse(Long.MAX_VALUE);
  }

  public Terms withCaller(String caller) {
    return new Terms(Objects.requireNonNull(caller, "caller"), priority, timeout, salt, adapter);
  }

  public Terms withPriority(Priority priority) {
    return new Terms(caller, Objects.requireNonNull(priority, "priority"), timeout, salt, adapter);
  }

  /**
   * @throws InvalidRequestException when it is not above 0
   */
  public Terms withTimeout(Duration timeout) {
    if (Objects.requireNonNull(timeout, "timeout").isNegative() || timeout.isZero()) {
      throw new InvalidRequestException("timeout", timeout, "a time above 0");
    }
    return new Terms(caller, priority, Optional.of(timeout), salt, adapter);
  }

  /**
   * @throws InvalidRequestException when the name is empty
   */
  public Terms withAdapter(String adapter) {
    if (Objects.requireNonNull(adapter, "adapter").isEmpty()) {
      throw new InvalidRequestException("adapter", "an empty name", "the name of an adapter");
    }
    return new Terms(caller, priority, timeout, salt, adapter);
  }
}
