package dev.baichuan4j;

/**
 * Tokens of a generation.
 *
 * @param promptTokens tokens of the prompt
 * @param cachedTokens how many of them were in the cache already and were not computed again
 * @param completionTokens tokens generated, the end marker included
 * @param draftedTokens guesses of tokens that were verified; see {@link
 *     GenerationOptions#draftTokens()}
 * @param acceptedTokens how many of them were right, and became tokens without a step of their own
 */
public record Usage(
    int promptTokens,
    int cachedTokens,
    int completionTokens,
    int draftedTokens,
    int acceptedTokens) {
  public int totalTokens() {
    return promptTokens + completionTokens;
  }
}
