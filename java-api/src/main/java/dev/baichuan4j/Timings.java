package dev.baichuan4j;

import java.time.Duration;
import java.util.Objects;

/**
 * Times of a generation.
 *
 * @param queued from the request to its first step
 * @param prompt from there to the first token
 * @param generation from the first token to the last
 */
public record Timings(Duration queued, Duration prompt, Duration generation) {
  /**
   * Checks that every component is present.
   *
   * @throws NullPointerException if one is null
   */
  public Timings {
    Objects.requireNonNull(queued, "queued");
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(generation, "generation");
  }
}
