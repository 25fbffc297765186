package dev.baichuan4j.internal.chat;

/**
 * The token ids that a model is asked with, and what of the conversation is not among them.
 *
 * @param ids the prompt
 * @param droppedRounds how many of the oldest rounds are left out
 * @param cutTokens how many tokens at the beginning of the rest are cut off
 */
public record ChatPrompt(int[] ids, int droppedRounds, int cutTokens) {

  /** Returns a prompt of which nothing is left out. */
  public static ChatPrompt whole(int[] ids) {
    return new ChatPrompt(ids, 0, 0);
  }
}
