package dev.baichuan4j.springai;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.tools.ToolCall;
import dev.baichuan4j.tools.ToolResult;
import dev.baichuan4j.tools.Tools;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.content.MediaContent;

/** Messages of Spring AI as those of the library, which checks their order. */
final class Messages {
  private Messages() {}

  /**
   * @throws InvalidRequestException if a message has an image or other media
   */
  static List<ChatMessage> of(List<Message> messages) {
    List<ChatMessage> converted = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      converted.add(of("messages[" + i + "]", messages.get(i)));
    }
    return converted;
  }

  private static ChatMessage of(String place, Message message) {
    if (message instanceof MediaContent content && !content.getMedia().isEmpty()) {
      throw new InvalidRequestException(
          place, "media of type " + content.getMedia().iterator().next().getMimeType(), "text");
    }
    String text = Objects.requireNonNullElse(message.getText(), "");
    return switch (message.getMessageType()) {
      case SYSTEM -> ChatMessage.system(text);
      case USER -> ChatMessage.user(text);
      case ASSISTANT -> Tools.assistant(text, calls((AssistantMessage) message));
      case TOOL -> Tools.results(results((ToolResponseMessage) message));
    };
  }

  private static List<ToolCall> calls(AssistantMessage message) {
    return message.getToolCalls().stream()
        .map(call -> new ToolCall(call.id(), call.name(), call.arguments()))
        .toList();
  }

  private static List<ToolResult> results(ToolResponseMessage message) {
    return message.getResponses().stream()
        .map(result -> new ToolResult(result.id(), result.name(), result.responseData()))
        .toList();
  }
}
