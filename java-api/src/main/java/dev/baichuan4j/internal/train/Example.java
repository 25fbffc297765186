package dev.baichuan4j.internal.train;

import dev.baichuan4j.ChatMessage;
import java.util.List;

/** What a record of a file says, before it is made tokens of. */
sealed interface Example {
  /** Returns where it stands, for messages: "line 12". */
  String place();

  /**
   * Messages of a person and the model, by turns.
   *
   * @param messages the first may be of the system; then the person's and the model's, of which the
   *     last is the model's
   */
  record Conversation(String place, List<ChatMessage> messages) implements Example {}

  /**
   * Two answers to the same messages, of which one is preferred.
   *
   * @param messages of which the last is the person's
   */
  record Preference(String place, List<ChatMessage> messages, String chosen, String rejected)
      implements Example {}

  /** Text without roles. */
  record Text(String place, String text) implements Example {}
}
