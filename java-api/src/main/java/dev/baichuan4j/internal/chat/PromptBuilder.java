package dev.baichuan4j.internal.chat;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.InvalidRequestException;
import java.util.List;

/**
 * Makes prompts of conversations, in one of the ways for those that are too long. Every method
 * takes the conversation with its oldest message first, and is an {@link InvalidRequestException}
 * if there is no message or one is out of its place.
 */
public interface PromptBuilder {
  /**
   * Builds a prompt that leaves out whole rounds, the oldest first, where there is no room. The
   * system text and the newest round are always whole.
   *
   * @param newTokens positions to keep free for the answer when an older round is taken
   * @param leastNewTokens positions that have to be free in any case, at most {@code newTokens}
   * @throws ContextOverflowException if the system text and the newest round do not leave the least
   */
  ChatPrompt dropOldestRounds(List<ChatMessage> messages, int newTokens, int leastNewTokens);

  /**
   * Builds a prompt of the whole conversation.
   *
   * @param newTokens positions that have to be free for the answer
   * @throws ContextOverflowException if the conversation does not leave them
   */
  ChatPrompt whole(List<ChatMessage> messages, int newTokens);

  /**
   * Builds a prompt as the code does that was published with the model.
   *
   * @param newTokens positions to keep free for the answer, 1 to one less than the context
   */
  ChatPrompt published(List<ChatMessage> messages, int newTokens);
}
