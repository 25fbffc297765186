package dev.baichuan4j;

import java.util.Objects;

/**
 * One message of a conversation.
 *
 * @param role who says it
 * @param content what is said; may be empty
 */
public record ChatMessage(Role role, String content) {

  /** Who says a message. */
  public enum Role {
    /** The operator: text that precedes the conversation. Only the first message may have it. */
    SYSTEM,
    /** The person who asks. */
    USER,
    /** The model. */
    ASSISTANT
  }

  /**
   * Checks that both components are present.
   *
   * @throws NullPointerException if the role or the content is null
   */
  public ChatMessage {
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(content, "content");
  }

  /** Returns a message of the operator. */
  public static ChatMessage system(String content) {
    return new ChatMessage(Role.SYSTEM, content);
  }

  /** Returns a message of the person who asks. */
  public static ChatMessage user(String content) {
    return new ChatMessage(Role.USER, content);
  }

  /** Returns a message of the model. */
  public static ChatMessage assistant(String content) {
    return new ChatMessage(Role.ASSISTANT, content);
  }
}
