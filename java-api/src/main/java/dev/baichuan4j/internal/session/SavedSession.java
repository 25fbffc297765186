package dev.baichuan4j.internal.session;

import dev.baichuan4j.ChatMessage;
import java.util.List;

/**
 * What a session's file says, but for the pages themselves.
 *
 * @param origin what the conversation was held with
 * @param messages the conversation, oldest first
 * @param tokens the ids whose keys and values the pages hold, from the first position on
 * @param pages pages of the file
 * @param pageBytes bytes of a page over all layers
 */
public record SavedSession(
    Origin origin, List<ChatMessage> messages, int[] tokens, int pages, long pageBytes) {

  /**
   * What a conversation was held with.
   *
   * @param model which weights: another conversation is not this model's
   * @param computation what the bits of keys and values depend on besides the weights
   */
  public record Origin(String model, String computation) {}
}
