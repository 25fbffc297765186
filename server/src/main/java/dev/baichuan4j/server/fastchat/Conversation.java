package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A template by which FastChat's servers make one text of a conversation.
 *
 * <p>Source: {@code Conversation} and the templates of the same names in {@code
 * fastchat/conversation.py}.
 *
 * @param name the name that FastChat has for it
 * @param system the system text of a conversation that has none of its own
 * @param roles what opens a message of the user, and one of the model
 * @param style how messages are put together
 * @param separator what ends a message
 * @param stop before which text an answer ends; empty for none
 */
record Conversation(
    String name, String system, Roles roles, Style style, String separator, Optional<String> stop) {

  /** What opens a message of the user, and one of the model. */
  record Roles(String user, String assistant) {}

  /** How messages are put together, by the numbers of {@code SeparatorStyle}. */
  enum Style {
    /** The role, a colon, a space and the message. */
    ADD_COLON_SINGLE(1),
    /** The role and the message. */
    NO_COLON_SINGLE(4);

    private final int number;

    Style(int number) {
      this.number = number;
    }
  }

  /** For chat models of the first generation. */
  static final Conversation BAICHUAN_CHAT =
      chat("baichuan-chat", new Roles("<reserved_102>", "<reserved_103>"));

  /** For chat models of the second generation. */
  static final Conversation BAICHUAN2_CHAT =
      chat("baichuan2-chat", new Roles("<reserved_106>", "<reserved_107>"));

  /** For models that were not trained for conversations. */
  static final Conversation ZERO_SHOT =
      new Conversation(
          "zero_shot",
          "A chat between a curious human and an artificial intelligence assistant. The assistant"
              + " gives helpful, detailed, and polite answers to the human's questions.",
          new Roles("Human", "Assistant"),
          Style.ADD_COLON_SINGLE,
          "\n### ",
          Optional.of("###"));

  /** All of them by their names. */
  static final Map<String, Conversation> BY_NAME =
      List.of(BAICHUAN_CHAT, BAICHUAN2_CHAT, ZERO_SHOT).stream()
          .collect(Collectors.toUnmodifiableMap(Conversation::name, template -> template));

  private static Conversation chat(String name, Roles roles) {
    return new Conversation(name, "", roles, Style.NO_COLON_SINGLE, "", Optional.empty());
  }

  /** Returns this template with other marks of roles. */
  Conversation withRoles(Roles others) {
    return new Conversation(name, system, others, style, separator, stop);
  }

  /** Returns the template as FastChat's servers read it. */
  ObjectNode json() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("name", name);
    json.put("system_template", "{system_message}");
    json.put("system_message", system);
    json.put("system_message_vision", "");
    json.putArray("roles").add(roles.user).add(roles.assistant);
    json.putArray("messages");
    json.put("offset", 0);
    json.put("sep_style", style.number);
    json.put("sep", separator);
    json.putNull("sep2");
    json.put("stop_str", stop.orElse(null));
    if (style == Style.NO_COLON_SINGLE) {
      json.putArray("stop_token_ids");
    } else {
      json.putNull("stop_token_ids");
    }
    json.putNull("max_image_size_mb");
    return json;
  }
}
