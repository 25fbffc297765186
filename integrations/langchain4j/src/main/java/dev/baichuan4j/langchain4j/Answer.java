package dev.baichuan4j.langchain4j;

import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.OperationTimeoutException;
import dev.baichuan4j.tools.ToolCall;
import dev.baichuan4j.tools.ToolCallReader;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * An answer as it is written: its text, and its calls of tools. It tells a listener of each piece.
 * For one thread.
 */
final class Answer {
  /** Hears the pieces of an answer in their order; without a method of its own it ignores them. */
  interface Listener {
    /** Hears the next piece of the text, which is not empty. */
    default void text(String text) {}

    /** Hears the next piece of the arguments of a call, which has more than blank space. */
    default void arguments(int index, String id, String name, String fragment) {}

    /** Hears that a call is complete. */
    default void call(int index, ToolExecutionRequest call) {}
  }

  private final ChatCall request;
  private final Listener listener;
  private final Optional<ToolCallReader> reader;
  private final StringBuilder text = new StringBuilder();
  private final Pieces pieces = new Pieces();
  private int completeCalls; // that the listener was told of

  Answer(ChatCall request, Listener listener) {
    this.request = request;
    this.listener = listener;
    this.reader = request.tools().map(tools -> tools.newReader());
  }

  /** Reads the next piece that the model has written. */
  void accept(String written) {
    if (reader.isPresent()) {
      reader.get().accept(written, pieces);
      completeCalls();
    } else if (!written.isEmpty()) {
      pieces.content(written);
    }
  }

  /**
   * Ends the answer.
   *
   * @throws TimeoutException if the time that the request was given was over before
   * @throws LangChain4jException if it was cancelled
   */
  ChatResponse end(GenerationResult result) {
    reader.ifPresent(open -> open.finish(pieces));
    completeCalls();
    FinishReason reason = reason(result);
    List<ToolExecutionRequest> calls =
        reader.map(ToolCallReader::calls).orElse(List.of()).stream().map(Answer::request).toList();
    boolean callsAlone = text.isEmpty() && !calls.isEmpty();
    return ChatResponse.builder()
        .aiMessage(new AiMessage(callsAlone ? null : text.toString(), calls))
        .metadata(
            BaichuanChatResponseMetadata.builder()
                .id(UUID.randomUUID().toString())
                .modelName(request.modelName())
                .tokenUsage(
                    new TokenUsage(
                        result.usage().promptTokens(), result.usage().completionTokens()))
                .finishReason(
                    reason == FinishReason.STOP && !calls.isEmpty()
                        ? FinishReason.TOOL_EXECUTION
                        : reason)
                .result(result)
                .build())
        .build();
  }

  /** Tells of calls as soon as they are complete, before anything that follows them. */
  private void completeCalls() {
    List<ToolCall> calls = reader.map(ToolCallReader::calls).orElse(List.of());
    while (completeCalls < calls.size()) {
      listener.call(completeCalls, request(calls.get(completeCalls)));
      completeCalls++;
    }
  }

  private FinishReason reason(GenerationResult result) {
    return switch (result.finishReason()) {
      case STOP -> FinishReason.STOP;
      case LENGTH -> FinishReason.LENGTH;
      case TIMEOUT -> throw timeout(result);
      case CANCELLED -> throw new LangChain4jException("answer: has been cancelled");
    };
  }

  private TimeoutException timeout(GenerationResult result) {
    return new TimeoutException(
        new OperationTimeoutException(
            "answer",
            request.options().timeout().orElseThrow(),
            "it had " + result.usage().completionTokens() + " tokens; allow more time"));
  }

  private static ToolExecutionRequest request(ToolCall call) {
    return ToolExecutionRequest.builder()
        .id(call.id())
        .name(call.name())
        .arguments(call.arguments())
        .build();
  }

  /**
   * What the reader hears, and the listener then. LangChain4j expects that no piece of arguments is
   * blank, and that an empty object comes in one piece; so such a beginning waits for what follows.
   */
  private final class Pieces implements ToolCallReader.Sink {
    private String id;
    private String name;
    private String withheld = "";

    @Override
    public void content(String piece) {
      completeCalls();
      text.append(piece);
      listener.text(piece);
    }

    @Override
    public void call(int index, String id, String name) {
      completeCalls();
      this.id = id;
      this.name = name;
      withheld = "";
    }

    @Override
    public void arguments(int index, String fragment) {
      withheld += fragment;
      if (!withheld.replace('{', ' ').isBlank()) {
        listener.arguments(index, id, name, withheld);
        withheld = "";
      }
    }
  }
}
