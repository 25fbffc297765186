package dev.baichuan4j;

/**
 * Tokens of a generation.
 *
 * @param promptTokens tokens of the prompt
 * @param cachedTokens how many of them were in the cache already and were not computed again
 * @param completionTokens tokens generated, the end marker included
 */
public record Usage(int promptTokens, int cachedTokens, int completionTokens) {
  public int totalTokens() {
    return promptTokens + completionTokens;
  }
}
