package dev.baichuan4j;

import java.util.List;
import java.util.Objects;

/**
 * What came of a generation.
 *
 * @param text the whole text, without the end marker and the stop string
 * @param tokenIds ids generated, the end marker included
 * @param finishReason why it ended
 * @param usage token counts
 * @param timings times
 * @param logprobs one for each token, or empty when not asked for
 */
public record GenerationResult(
    String text,
    List<Integer> tokenIds,
    FinishReason finishReason,
    Usage usage,
    Timings timings,
    List<TokenLogprobs> logprobs) {
  /**
   * Copies the lists.
   *
   * @throws NullPointerException if a component is null
   */
  public GenerationResult {
    Objects.requireNonNull(text, "text");
    tokenIds = List.copyOf(Objects.requireNonNull(tokenIds, "tokenIds"));
    Objects.requireNonNull(finishReason, "finishReason");
    Objects.requireNonNull(usage, "usage");
    Objects.requireNonNull(timings, "timings");
    logprobs = List.copyOf(Objects.requireNonNull(logprobs, "logprobs"));
  }
}
