package dev.baichuan4j;

import java.util.List;
import java.util.Objects;

/**
 * One message of a conversation.
 *
 * @param role who says it
 * @param content what is said; may be empty
 * @param toolParts what of it are calls of tools, or their results, and what is said besides: what
 *     a chat template that handles tools is given in place of the content. Empty where there are
 *     none; {@link dev.baichuan4j.tools.Tools#assistant} and {@link
 *     dev.baichuan4j.tools.Tools#results} make messages that have some
 */
public record ChatMessage(Role role, String content, List<ToolPart> toolParts) {
  /**
   * A part of a message.
   *
   * @param kind what it is
   * @param id that of the call; empty for {@link Kind#SAID}
   * @param name that of the tool; empty for {@link Kind#SAID}
   * @param text what is said, the arguments of a call as a JSON object, or its result
   */
  public record ToolPart(Kind kind, String id, String name, String text) {
    /** What a part is. */
    public enum Kind {
      /** What the model says beside its calls. */
      SAID,
      /** A call of the model. */
      CALL,
      /** What a call has answered. */
      RESULT
    }

    /**
     * Checks that every component is present.
     *
     * @throws NullPointerException if one is null
     */
    public ToolPart {
      Objects.requireNonNull(kind, "kind");
      Objects.requireNonNull(id, "id");
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(text, "text");
    }
  }

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
   * Copies the parts.
   *
   * @throws NullPointerException if a component is null
   */
  public ChatMessage {
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(content, "content");
    toolParts = List.copyOf(Objects.requireNonNull(toolParts, "toolParts"));
  }

  /** Makes a message without calls and results. */
  public ChatMessage(Role role, String content) {
    this(role, content, List.of());
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
