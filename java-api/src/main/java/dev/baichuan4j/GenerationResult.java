package dev.baichuan4j;

import java.util.List;
import java.util.Objects;

/**
 * The result of a generation.
 *
 * @param text the whole text, without the end marker and the stop string; it begins with the prompt
 *     where {@link GenerationOptions#echo()} is asked for
 * @param tokenIds ids generated, the end marker included
 * @param finishReason why it ended
 * @param usage token counts
 * @param timings times
 * @param logprobs one for each token generated, or empty when not asked for
 * @param promptLogprobs one for each token of the prompt but the first, which nothing precedes;
 *     empty unless {@link GenerationOptions#echo()} and log-probabilities are asked for
 * @param droppedRounds rounds of the conversation, the oldest ones, that were left out of the
 *     prompt for want of room; see {@link PromptOverflow}
 * @param cutTokens tokens at the beginning of the rest that were cut off; 0 but with {@link
 *     PromptOverflow#PUBLISHER}
 */
public record GenerationResult(
    String text,
    List<Integer> tokenIds,
    FinishReason finishReason,
    Usage usage,
    Timings timings,
    List<TokenLogprobs> logprobs,
    List<TokenLogprobs> promptLogprobs,
    int droppedRounds,
    int cutTokens) {
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
    promptLogprobs = List.copyOf(Objects.requireNonNull(promptLogprobs, "promptLogprobs"));
  }
}
