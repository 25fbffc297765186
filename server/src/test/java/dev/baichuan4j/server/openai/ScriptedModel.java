package dev.baichuan4j.server.openai;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationListener;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.Timings;
import dev.baichuan4j.Usage;
import dev.baichuan4j.server.Models;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The small chat model, but for its chats, whose text a test writes: as many pieces as it allows,
 * each as soon as it is asked for, and an end when it says so.
 */
final class ScriptedModel implements Models, Generation {
  private static final Duration NONE = Duration.ZERO;

  final CompletableFuture<GenerationResult> end = new CompletableFuture<>();
  final AtomicLong given = new AtomicLong(); // pieces
  final AtomicInteger inUse = new AtomicInteger();
  private final AtomicLong demand = new AtomicLong();
  private final AtomicLong allowed = new AtomicLong();
  private volatile Flow.Subscriber<? super Chunk> subscriber;
  private volatile Executor executor;
  private volatile boolean cancelled;
  volatile RuntimeException refusal; // of a chat; null for none
  private final Baichuan model =
      (Baichuan)
          Proxy.newProxyInstance(
              Baichuan.class.getClassLoader(),
              new Class<?>[] {Baichuan.class},
              (proxy, method, arguments) -> {
                if (method.getName().equals("chat")) {
                  if (refusal != null) {
                    throw refusal;
                  }
                  return this;
                }
                try {
                  return method.invoke(FixedModels.chat(), arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });

  static String piece(long number) {
    return "第" + number + "片。";
  }

  /** Lets the text have so many pieces together. */
  void allow(long pieces) {
    allowed.set(pieces);
    signal();
  }

  void finish(FinishReason reason) {
    Usage usage = new Usage(3, 0, (int) given.get(), 0, 0);
    Timings timings = new Timings(NONE, NONE, NONE);
    end.complete(
        new GenerationResult("all", List.of(), reason, usage, timings, List.of(), List.of(), 0, 0));
    signal();
  }

  void fail(RuntimeException failure) {
    end.completeExceptionally(failure);
    signal();
  }

  boolean isCancelled() {
    return cancelled;
  }

  private void signal() {
    Executor runs = executor;
    if (runs != null) {
      runs.execute(this::deliver);
    }
  }

  private synchronized void deliver() {
    while (subscriber != null) {
      if (given.get() < allowed.get()) {
        if (demand.get() == 0) {
          return;
        }
        demand.decrementAndGet();
        String text = piece(given.getAndIncrement());
        subscriber.onNext(new Chunk(text, OptionalInt.of(7), Optional.empty()));
      } else if (end.isDone()) {
        Flow.Subscriber<? super Chunk> last = subscriber;
        subscriber = null;
        if (end.isCompletedExceptionally()) {
          last.onError(end.handle((result, failure) -> failure).join());
        } else {
          last.onComplete();
        }
      } else {
        return;
      }
    }
  }

  @Override
  public Flow.Publisher<Chunk> publisher(Executor executor) {
    return subscriber -> {
      this.subscriber = subscriber;
      this.executor = executor;
      executor.execute(
          () ->
              subscriber.onSubscribe(
                  new Flow.Subscription() {
                    @Override
                    public void request(long n) {
                      demand.addAndGet(n);
                      signal();
                    }

                    @Override
                    public void cancel() {
                      ScriptedModel.this.cancel();
                    }
                  }));
    };
  }

  @Override
  public CompletionStage<GenerationResult> completion() {
    return end;
  }

  @Override
  public GenerationResult result() {
    return end.join();
  }

  @Override
  public void cancel() {
    cancelled = true;
    finish(FinishReason.CANCELLED);
  }

  @Override
  public void close() {
    cancel();
  }

  @Override
  public Use use(String name) {
    inUse.incrementAndGet();
    return new Use() {
      @Override
      public String name() {
        return "scripted";
      }

      @Override
      public Baichuan model() {
        return model;
      }

      @Override
      public void close() {
        inUse.decrementAndGet();
      }
    };
  }

  @Override
  public List<Card> cards() {
    return List.of();
  }

  @Override
  public Iterator<Chunk> iterator() {
    throw new UnsupportedOperationException();
  }

  @Override
  public String text() {
    throw new UnsupportedOperationException();
  }

  @Override
  public GenerationResult result(Duration timeout) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Flow.Publisher<Chunk> publisher() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void listen(GenerationListener listener) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void listen(GenerationListener listener, Executor executor) {
    throw new UnsupportedOperationException();
  }
}
