package dev.baichuan4j;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A piece of a stream.
 *
 * @param text whole code points that are final; may be empty while a character or a possible stop
 *     string is incomplete
 * @param tokenId the token that brought it; empty for what was held back until the end
 * @param logprobs how likely that token was; empty unless {@link GenerationOptions#logprobs()} asks
 *     for it
 */
public record Chunk(String text, OptionalInt tokenId, Optional<TokenLogprobs> logprobs) {
  /**
   * Checks that every component is present.
   *
   * @throws NullPointerException if one is null
   */
  public Chunk {
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(tokenId, "tokenId");
    Objects.requireNonNull(logprobs, "logprobs");
  }
}
