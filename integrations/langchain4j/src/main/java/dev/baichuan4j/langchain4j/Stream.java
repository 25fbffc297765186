package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Chunk;
import dev.baichuan4j.Generation;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.PartialToolCallContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A streamed answer. Its handler hears of it on the one thread that runs this. A handler that
 * throws is told what it has thrown, as LangChain4j has it, and the answer goes on; what it throws
 * then is logged. A handler that has cancelled hears nothing more.
 */
final class Stream implements Runnable, StreamingHandle, Answer.Listener {
  private static final Logger log = LoggerFactory.getLogger(BaichuanStreamingChatModel.class);

  private final ChatCall request;
  private final Generation generation;
  private final StreamingChatResponseHandler handler;
  private volatile boolean cancelled;

  Stream(ChatCall request, Generation generation, StreamingChatResponseHandler handler) {
    this.request = request;
    this.generation = generation;
    this.handler = handler;
  }

  @Override
  public void run() {
    Answer answer = new Answer(request, this);
    try (generation) {
      for (Chunk chunk : generation) {
        answer.accept(chunk.text());
      }
      if (!cancelled) {
        ChatResponse response = answer.end(generation.result());
        tell(() -> handler.onCompleteResponse(response));
      }
    } catch (RuntimeException failure) {
      if (!cancelled) {
        fail(handler, Failures.map(failure));
      }
    }
  }

  @Override
  public void cancel() {
    cancelled = true;
    generation.cancel();
  }

  @Override
  public boolean isCancelled() {
    return cancelled;
  }

  @Override
  public void text(String text) {
    PartialResponse response = new PartialResponse(text);
    tell(() -> handler.onPartialResponse(response, new PartialResponseContext(this)));
  }

  @Override
  public void arguments(int index, String id, String name, String fragment) {
    PartialToolCall partial =
        PartialToolCall.builder().index(index).id(id).name(name).partialArguments(fragment).build();
    tell(() -> handler.onPartialToolCall(partial, new PartialToolCallContext(this)));
  }

  @Override
  public void call(int index, ToolExecutionRequest call) {
    tell(() -> handler.onCompleteToolCall(new CompleteToolCall(index, call)));
  }

  private void tell(Runnable callback) {
    if (cancelled) {
      return;
    }
    try {
      callback.run();
    } catch (Exception thrown) { // a handler in another language may throw a checked one
      fail(handler, thrown);
    }
  }

  /** Tells a handler of a failure, and logs what it throws. */
  static void fail(StreamingChatResponseHandler handler, Exception failure) {
    try {
      handler.onError(failure);
    } catch (Exception thrown) {
      log.warn("The handler of a streamed answer has thrown in onError", thrown);
    }
  }
}
