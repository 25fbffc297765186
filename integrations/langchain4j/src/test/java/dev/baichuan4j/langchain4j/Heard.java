package dev.baichuan4j.langchain4j;

import static java.util.concurrent.TimeUnit.MINUTES;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.ExecutionException;

/** What a handler of a streamed answer hears. */
class Heard implements StreamingChatResponseHandler {
  final List<String> texts = new CopyOnWriteArrayList<>();
  final List<Object> calls = new CopyOnWriteArrayList<>(); // parts, and complete ones
  final Set<Thread> threads = new CopyOnWriteArraySet<>();
  private final CompletableFuture<ChatResponse> response = new CompletableFuture<>();

  @Override
  public void onPartialResponse(PartialResponse partial, PartialResponseContext context) {
    threads.add(Thread.currentThread());
    texts.add(partial.text());
  }

  @Override
  public void onPartialToolCall(PartialToolCall part) {
    threads.add(Thread.currentThread());
    calls.add(part);
  }

  @Override
  public void onCompleteToolCall(CompleteToolCall call) {
    threads.add(Thread.currentThread());
    calls.add(call);
  }

  @Override
  public void onCompleteResponse(ChatResponse complete) {
    threads.add(Thread.currentThread());
    response.complete(complete);
  }

  @Override
  public void onError(Throwable error) {
    threads.add(Thread.currentThread());
    response.completeExceptionally(error);
  }

  /** Waits for the response. */
  ChatResponse response() throws Exception {
    return response.get(5, MINUTES);
  }

  /** Waits for the failure. */
  Throwable failure() throws Exception {
    try {
      throw new AssertionError("has heard " + response.get(5, MINUTES));
    } catch (ExecutionException failed) {
      return failed.getCause();
    }
  }

  boolean hasEnded() {
    return response.isDone();
  }
}
