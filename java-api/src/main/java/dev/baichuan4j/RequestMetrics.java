package dev.baichuan4j;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * How a request went that has ended; see {@link RequestListener}.
 *
 * @param caller whose share it counted to, as {@link GenerationOptions#caller()} says
 * @param usage its tokens; of a request for logits, those of the ids
 * @param timings its times; of a request that wrote no token, {@code prompt} goes to its end
 * @param reason why it ended; empty where it failed
 */
public record RequestMetrics(
    String caller, Usage usage, Timings timings, Optional<FinishReason> reason) {
  /**
   * Checks that every component is present.
   *
   * @throws NullPointerException if one is null
   */
  public RequestMetrics {
    Objects.requireNonNull(caller, "caller");
    Objects.requireNonNull(usage, "usage");
    Objects.requireNonNull(timings, "timings");
    Objects.requireNonNull(reason, "reason");
  }

  /** Returns the time from the submission to the first token; empty where there was none. */
  public Optional<Duration> timeToFirstToken() {
    return usage.completionTokens() == 0
        ? Optional.empty()
        : Optional.of(timings.queued().plus(timings.prompt()));
  }

  /** Returns the mean time from a token to the next; empty where there were not two. */
  public Optional<Duration> timePerToken() {
    return usage.completionTokens() < 2
        ? Optional.empty()
        : Optional.of(timings.generation().dividedBy(usage.completionTokens() - 1));
  }

  /** Returns the time from the submission to the end, or to the last token. */
  public Duration total() {
    return timings.queued().plus(timings.prompt()).plus(timings.generation());
  }
}
