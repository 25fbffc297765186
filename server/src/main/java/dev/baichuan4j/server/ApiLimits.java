package dev.baichuan4j.server;

import java.time.Duration;
import java.util.Objects;

/**
 * Bounds of a request that the endpoints keep.
 *
 * @param maxPromptCharacters most characters of a prompt or of all messages together
 * @param maxChoices most texts that a request may ask for
 * @param requestTimeout after which a text ends, whatever it has until then
 * @param heartbeat time without a byte after which a stream gets a comment, so that what lies
 *     between keeps the connection
 * @param anyModel whether every name means the default model
 */
public record ApiLimits(
    int maxPromptCharacters,
    int maxChoices,
    Duration requestTimeout,
    Duration heartbeat,
    boolean anyModel) {
  /**
   * Checks that every component is present.
   *
   * @throws NullPointerException if one is null
   */
  public ApiLimits {
    Objects.requireNonNull(requestTimeout, "requestTimeout");
    Objects.requireNonNull(heartbeat, "heartbeat");
  }
}
