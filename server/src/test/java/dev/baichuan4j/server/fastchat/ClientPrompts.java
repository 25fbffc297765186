package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import java.util.List;

/** Makes a prompt of a conversation as FastChat's OpenAI server does, by a worker's template. */
final class ClientPrompts {
  private static final int ADD_COLON_SINGLE = 1;
  private static final int NO_COLON_SINGLE = 4;

  private ClientPrompts() {}

  /**
   * @param template {@code conv} of a worker's answer
   */
  static String of(JsonNode template, List<ChatMessage> messages) {
    boolean hasSystem = messages.get(0).role() == Role.SYSTEM;
    String system = hasSystem ? messages.get(0).content() : template.get("system_message").asText();
    String separator = template.get("sep").asText();
    boolean colon =
        switch (template.get("sep_style").asInt()) {
          case ADD_COLON_SINGLE -> true;
          case NO_COLON_SINGLE -> false;
          default -> throw new IllegalArgumentException(template.toString());
        };
    StringBuilder prompt = new StringBuilder(system).append(colon ? separator : "");
    for (ChatMessage message : messages.subList(hasSystem ? 1 : 0, messages.size())) {
      String role = template.get("roles").get(message.role() == Role.USER ? 0 : 1).asText();
      prompt.append(role);
      if (!message.content().isEmpty()) {
        prompt.append(colon ? ": " : "").append(message.content()).append(separator);
      } else if (colon) {
        prompt.append(":");
      }
    }
    return prompt.append(template.get("roles").get(1).asText()).append(colon ? ":" : "").toString();
  }
}
