package dev.baichuan4j.langchain4j;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.tools.ToolCall;
import dev.baichuan4j.tools.ToolResult;
import dev.baichuan4j.tools.Tools;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;

/** Messages of LangChain4j as those of the library, whose order the library checks. */
final class Messages {
  private final List<ChatMessage> messages = new ArrayList<>();
  private final List<ToolResult> results = new ArrayList<>(); // of the round, not yet a message

  private Messages() {}

  /**
   * Results of tools that follow one another become one message.
   *
   * @throws UnsupportedFeatureException if a message has what is no text, or the name of a user
   * @throws InvalidRequestException if a result does not say which tool it is of
   */
  static List<ChatMessage> of(List<dev.langchain4j.data.message.ChatMessage> messages) {
    Messages converted = new Messages();
    for (int i = 0; i < messages.size(); i++) {
      converted.add("messages[" + i + "]", messages.get(i));
    }
    converted.endRound();
    return converted.messages;
  }

  private void add(String place, dev.langchain4j.data.message.ChatMessage message) {
    if (message instanceof ToolExecutionResultMessage result) {
      results.add(result(place, result));
      return;
    }
    endRound();
    if (message instanceof SystemMessage system) {
      messages.add(ChatMessage.system(system.text()));
    } else if (message instanceof UserMessage user) {
      if (user.name() != null) {
        throw unsupported(place + ": the name of a user");
      }
      messages.add(ChatMessage.user(text(place, user.contents())));
    } else if (message instanceof AiMessage answer) {
      messages.add(answer(answer));
    } else {
      throw unsupported(place + ": a message of type " + message.type());
    }
  }

  private void endRound() {
    if (!results.isEmpty()) {
      messages.add(Tools.results(List.copyOf(results)));
      results.clear();
    }
  }

  private static ChatMessage answer(AiMessage answer) {
    String text = Objects.requireNonNullElse(answer.text(), "");
    if (!answer.hasToolExecutionRequests()) {
      return ChatMessage.assistant(text);
    }
    List<ToolCall> calls =
        answer.toolExecutionRequests().stream()
            .map(
                call ->
                    new ToolCall(
                        Objects.requireNonNullElse(call.id(), ""),
                        call.name(),
                        Objects.requireNonNullElse(call.arguments(), "{}")))
            .toList();
    return Tools.assistant(text, calls);
  }

  /** A failure of a tool is told to the model as an object with the member {@code error}. */
  private static ToolResult result(String place, ToolExecutionResultMessage result) {
    if (result.toolName() == null) {
      throw new InvalidRequestException(place + ".toolName has null, expected the tool's name");
    }
    String text = text(place, result.contents());
    if (Boolean.TRUE.equals(result.isError())) {
      text = JsonNodeFactory.instance.objectNode().put("error", text).toString();
    }
    return new ToolResult(Objects.requireNonNullElse(result.id(), ""), result.toolName(), text);
  }

  /** Several texts stand on lines of their own. */
  private static String text(String place, List<Content> contents) {
    return contents.stream()
        .map(
            content -> {
              if (content instanceof TextContent text) {
                return text.text();
              }
              String type = content.type().toString().toLowerCase(Locale.ROOT);
              throw unsupported(place + ": non-text content of type " + type);
            })
        .collect(Collectors.joining("\n"));
  }

  private static UnsupportedFeatureException unsupported(String what) {
    return new UnsupportedFeatureException(
        what + " is not supported by Baichuan models, expected text");
  }
}
