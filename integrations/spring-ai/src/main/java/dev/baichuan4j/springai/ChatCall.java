package dev.baichuan4j.springai;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.tools.Tool;
import dev.baichuan4j.tools.ToolCallReader;
import dev.baichuan4j.tools.ToolChoice;
import dev.baichuan4j.tools.Tools;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.metadata.ChatGenerationMetadata;
import org.springframework.ai.chat.metadata.ChatResponseMetadata;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.metadata.Usage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.tool.definition.ToolDefinition;

/** A prompt that was submitted, and what becomes of its text. For one thread at a time. */
final class ChatCall implements AutoCloseable {
  private final String id = "chat-" + UUID.randomUUID();
  private final String name;
  private final Generation generation;
  private final ToolCallReader reader;
  private final StringBuilder content = new StringBuilder(); // not yet given out

  private final ToolCallReader.Sink sink =
      new ToolCallReader.Sink() {
        @Override
        public void content(String text) {
          content.append(text);
        }

        @Override
        public void call(int index, String callId, String tool) {}

        @Override
        public void arguments(int index, String fragment) {}
      };

  private ChatCall(String name, Generation generation, ToolCallReader reader) {
    this.name = name;
    this.generation = generation;
    this.reader = reader;
  }

  /**
   * Submits a prompt.
   *
   * @param prompt whose options are of {@link BaichuanChatOptions}
   * @param definitions of the tools that may be called
   * @throws dev.baichuan4j.BaichuanException as the chat of the model
   */
  static ChatCall submit(
      Baichuan model, String name, Prompt prompt, List<ToolDefinition> definitions) {
    BaichuanChatOptions options = (BaichuanChatOptions) prompt.getOptions();
    if (options.getModel() != null && !options.getModel().equals(name)) {
      throw new InvalidRequestException("model", options.getModel(), name);
    }
    GenerationOptions asked = options.over(model.defaultOptions());
    if (asked.choices() != 1) {
      throw new InvalidRequestException("choices", asked.choices(), "1");
    }
    List<ChatMessage> messages = Messages.of(prompt.getInstructions());
    if (definitions.isEmpty()) {
      return new ChatCall(name, model.chat(messages, asked), null);
    }
    Tools tools =
        Tools.of(definitions.stream().map(ChatCall::tool).toList())
            .withChoice(Objects.requireNonNullElse(options.getToolChoice(), ToolChoice.auto()))
            .withParallel(!Boolean.FALSE.equals(options.getParallelToolCalls()))
            .withForm(model.info().toolForm());
    Generation generation = model.chat(tools.prompt(messages), tools.options(asked));
    return new ChatCall(name, generation, tools.newReader());
  }

  private static Tool tool(ToolDefinition definition) {
    return new Tool(definition.name(), definition.description(), definition.inputSchema());
  }

  Generation generation() {
    return generation;
  }

  /** Returns what a piece of the text adds to the content, if anything. */
  Optional<ChatResponse> piece(String text) {
    accept(text);
    if (content.isEmpty()) {
      return Optional.empty();
    }
    AssistantMessage message = new AssistantMessage(takeContent());
    return Optional.of(response(message, ChatGenerationMetadata.NULL, metadata()));
  }

  /** Returns the whole answer. */
  ChatResponse whole() {
    GenerationResult result = generation.result();
    accept(result.text());
    return end(result);
  }

  /**
   * Returns what is left of the content, the calls of tools, the reason of the end and the usage.
   */
  ChatResponse end(GenerationResult result) {
    if (reader != null) {
      reader.finish(sink);
    }
    List<AssistantMessage.ToolCall> calls =
        reader == null
            ? List.of()
            : reader.calls().stream()
                .map(
                    call ->
                        new AssistantMessage.ToolCall(
                            call.id(), "function", call.name(), call.arguments()))
                .toList();
    AssistantMessage message =
        AssistantMessage.builder().content(takeContent()).toolCalls(calls).build();
    String reason = calls.isEmpty() ? result.finishReason().name() : "TOOL_CALLS";
    return response(
        message,
        ChatGenerationMetadata.builder().finishReason(reason.toUpperCase(Locale.ROOT)).build(),
        metadata()
            .usage(usage(result.usage()))
            .keyValue("timings", result.timings())
            .keyValue("dropped-rounds", result.droppedRounds()));
  }

  private void accept(String text) {
    if (reader == null) {
      content.append(text);
    } else {
      reader.accept(text, sink);
    }
  }

  private String takeContent() {
    String taken = content.toString();
    content.setLength(0);
    return taken;
  }

  private ChatResponseMetadata.Builder metadata() {
    return ChatResponseMetadata.builder().id(id).model(name);
  }

  private static Usage usage(dev.baichuan4j.Usage usage) {
    return new DefaultUsage(
        usage.promptTokens(),
        usage.completionTokens(),
        usage.totalTokens(),
        usage,
        (long) usage.cachedTokens(),
        null);
  }

  private static ChatResponse response(
      AssistantMessage message,
      ChatGenerationMetadata metadata,
      ChatResponseMetadata.Builder response) {
    return new ChatResponse(
        List.of(new org.springframework.ai.chat.model.Generation(message, metadata)),
        response.build());
  }

  @Override
  public void close() {
    generation.close();
  }
}
