package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Cancellation;
import dev.baichuan4j.server.Models;
import dev.baichuan4j.server.stream.AnswerThreads;
import dev.baichuan4j.server.stream.EventStream;
import dev.baichuan4j.server.stream.Framing;
import io.javalin.http.Context;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * The texts of a request, from the model to the response, without a thread that waits. The model is
 * let go when they have ended; when the client goes, or one of them fails, all are cancelled.
 */
final class Texts {
  /** Makes events of the texts of a stream. Its methods are called one at a time. */
  interface Events {
    /** Takes a piece of a text. */
    void chunk(int index, Chunk chunk);

    /** Takes the end of a text. */
    void end(int index, GenerationResult result);

    /** Takes the end of all texts; the stream is ended behind it. */
    void end(List<GenerationResult> results);

    /** Takes the failure of a stream that has begun, which is ended behind it. */
    void fail(ApiException failure);
  }

  private final Context context;
  private final Cancellation cancellation;
  private final Models.Use use;
  private final List<Generation> generations;
  private final List<Generation> texts = new ArrayList<>();
  private final String prompt;
  private final AtomicBoolean over = new AtomicBoolean();

  /**
   * @param generations one of each prompt
   * @param prompt the field that had it
   */
  Texts(Context context, Models.Use use, List<Generation> generations, String prompt) {
    this.context = context;
    this.cancellation = Cancellation.of(context);
    this.use = use;
    this.generations = generations;
    generations.forEach(generation -> texts.addAll(generation.choices()));
    this.prompt = prompt;
  }

  /** Answers when all texts have ended. */
  void answer(Function<List<GenerationResult>, JsonNode> answer) {
    JsonBody body = new JsonBody(context);
    List<CompletableFuture<GenerationResult>> ends = new ArrayList<>();
    for (Generation text : texts) {
      CompletableFuture<GenerationResult> end =
          text.completion().toCompletableFuture().thenApply(this::requireWhole);
      end.exceptionally(
          failure -> {
            cancel();
            return null;
          });
      ends.add(end);
    }
    CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new))
        .thenApplyAsync(
            nothing -> answer.apply(ends.stream().map(CompletableFuture::join).toList()),
            AnswerThreads.executor())
        .whenComplete(
            (node, failure) -> {
              leave();
              if (failure == null) {
                body.send(node);
              } else {
                ApiException refusal = Refusals.of(failure, prompt);
                body.fail(refusal, () -> advise(refusal));
              }
            });
    cancellation.onCancel(this::cancel);
  }

  private GenerationResult requireWhole(GenerationResult result) {
    Optional<ApiException> early = Refusals.of(result.finishReason());
    if (early.isPresent()) {
      throw early.get();
    }
    return result;
  }

  /** Answers with a stream. */
  void stream(Duration heartbeat, Function<EventStream, Events> events) {
    EventStream stream = new EventStream(context, Framing.SERVER_SENT_EVENTS, heartbeat);
    Feed feed = new Feed(stream, events.apply(stream));
    for (int i = 0; i < texts.size(); i++) {
      texts.get(i).publisher(AnswerThreads.executor()).subscribe(feed.new Reader(i));
    }
    cancellation.onCancel(
        () -> {
          cancel();
          if (cancellation.reason().equals(Optional.of(Cancellation.Reason.CLIENT_GONE))) {
            leave(); // nothing more comes from a stream that nobody reads
          }
        });
  }

  /** A text that has used up its time would be asked for twice more by OpenAI's clients. */
  private void advise(ApiException refusal) {
    if (refusal.code().equals(Refusals.TIMEOUT)) {
      context.header("x-should-retry", "false");
    }
  }

  private void cancel() {
    generations.forEach(Generation::cancel);
  }

  private void leave() {
    if (over.compareAndSet(false, true)) {
      use.close();
    }
  }

  /** Feeds a stream from all texts, as fast as its reader takes it. */
  private final class Feed {
    private final EventStream stream;
    private final Events events;
    private final ReentrantLock lock = new ReentrantLock(); // of one event at a time
    private final GenerationResult[] results = new GenerationResult[texts.size()];
    private boolean ended;

    Feed(EventStream stream, Events events) {
      this.stream = stream;
      this.events = events;
    }

    private void alone(Runnable event) {
      lock.lock();
      try {
        if (!ended) {
          event.run();
        }
      } finally {
        lock.unlock();
      }
    }

    private void end(int index, GenerationResult result) {
      Optional<ApiException> early = Refusals.of(result.finishReason());
      if (early.isPresent()) {
        fail(early.get());
        return;
      }
      results[index] = result;
      events.end(index, result);
      if (Arrays.stream(results).allMatch(one -> one != null)) {
        ended = true;
        events.end(List.of(results));
        stream.end();
        leave();
      }
    }

    private void fail(ApiException failure) {
      ended = true;
      cancel();
      if (!stream.fail(failure, () -> advise(failure))) {
        events.fail(failure);
        stream.end();
      }
      leave();
    }

    private final class Reader implements Flow.Subscriber<Chunk> {
      private final int index;
      private Flow.Subscription subscription;

      Reader(int index) {
        this.index = index;
      }

      @Override
      public void onSubscribe(Flow.Subscription subscription) {
        this.subscription = subscription;
        askForNext();
      }

      private void askForNext() {
        stream.whenRoom(() -> subscription.request(1));
      }

      @Override
      public void onNext(Chunk chunk) {
        alone(() -> events.chunk(index, chunk));
        askForNext();
      }

      @Override
      public void onError(Throwable failure) {
        alone(() -> fail(Refusals.of(failure, prompt)));
      }

      @Override
      public void onComplete() {
        alone(() -> end(index, texts.get(index).result()));
      }
    }
  }
}
