package dev.baichuan4j;

import java.util.List;

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
    List<TokenLogprobs> logprobs) {}
