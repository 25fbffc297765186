package dev.baichuan4j.internal.api;

import static dev.baichuan4j.internal.api.PublisherRulesTest.RESULT;
import static dev.baichuan4j.internal.api.PublisherRulesTest.chunk;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Chunk;
import dev.baichuan4j.GenerationListener;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OperationTimeoutException;
import dev.baichuan4j.TokenLogprobs;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What those who do not wait for a generation hear of it, and on which thread. */
@Timeout(60)
class RunningGenerationTest {
  private final AtomicInteger cancels = new AtomicInteger();
  private final RunningGeneration generation =
      PublisherRulesTest.generation(cancels::incrementAndGet);

  /** Hears signals, and asks for nothing by itself. */
  private static class Subscriber implements Flow.Subscriber<Chunk> {
    final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
    final BlockingQueue<Object> signals = new LinkedBlockingQueue<>();

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      this.subscription.complete(subscription);
    }

    @Override
    public void onNext(Chunk chunk) {
      signals.add(chunk);
    }

    @Override
    public void onError(Throwable failure) {
      signals.add(failure);
    }

    @Override
    public void onComplete() {
      signals.add("complete");
    }

    void request(long n) throws Exception {
      subscription.get(30, TimeUnit.SECONDS).request(n);
    }

    Object next() throws Exception {
      return signals.poll(30, TimeUnit.SECONDS);
    }
  }

  private Subscriber subscribe() {
    Subscriber subscriber = new Subscriber();
    generation.publisher().subscribe(subscriber);
    return subscriber;
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(30, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Waking a thread takes a core from the step of the next token. */
  @Test
  void chunksDoNotWakeWhoWaitsForTheResult() throws Exception {
    CompletableFuture<GenerationResult> result = new CompletableFuture<>();
    Thread waiting = new Thread(() -> result.complete(generation.result()));
    waiting.start();
    int chunks = 200;
    for (int i = 0; i < chunks; i++) {
      awaitWait(waiting);
      generation.emit(chunk(i));
    }
    awaitWait(waiting);
    long waits =
        ManagementFactory.getThreadMXBean().getThreadInfo(waiting.getId()).getWaitedCount();
    assertTrue(waits < chunks / 2, "it has waited " + waits + " times for " + chunks + " chunks");
    generation.finish(RESULT);
    assertEquals(RESULT, result.get(30, TimeUnit.SECONDS));
  }

  private static void awaitWait(Thread thread) {
    while (thread.getState() != Thread.State.WAITING) {
      assertTrue(thread.isAlive());
      Thread.onSpinWait();
    }
  }

  @Test
  void everySubscriberGetsTheWholeStreamAtItsOwnPace() throws Exception {
    Subscriber early = subscribe();
    generation.emit(chunk(0));
    generation.emit(chunk(1));
    early.request(1);
    assertEquals(chunk(0), early.next());
    generation.emit(chunk(2));
    generation.finish(RESULT);
    Subscriber late = subscribe();
    late.request(Long.MAX_VALUE);
    late.request(Long.MAX_VALUE); // adds up to no more than without bound
    for (Object expected : new Object[] {chunk(0), chunk(1), chunk(2), "complete"}) {
      assertEquals(expected, late.next());
    }
    assertTrue(early.signals.isEmpty());
    early.request(2);
    for (Object expected : new Object[] {chunk(1), chunk(2), "complete"}) {
      assertEquals(expected, early.next());
    }
    Iterator<Chunk> iterator = generation.iterator(); // reads it as well
    assertEquals(chunk(0), iterator.next());
  }

  @Test
  void aSubscriberThatIsSlowHoldsUpNeitherTheModelNorOthers() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    CompletableFuture<Thread> thread = new CompletableFuture<>();
    Subscriber slow =
        new Subscriber() {
          @Override
          public void onNext(Chunk chunk) {
            thread.complete(Thread.currentThread());
            await(go);
            super.onNext(chunk);
          }
        };
    generation.publisher().subscribe(slow);
    slow.request(Long.MAX_VALUE);
    generation.emit(chunk(0));
    assertNotSame(Thread.currentThread(), thread.get(30, TimeUnit.SECONDS));
    for (int i = 1; i < 1000; i++) { // on the thread that stands for the engine's
      generation.emit(chunk(i));
    }
    generation.finish(RESULT);
    Subscriber other = subscribe();
    other.request(1);
    assertEquals(chunk(0), other.next());
    assertTrue(slow.signals.isEmpty());
    go.countDown();
    for (int i = 0; i < 1000; i++) {
      assertEquals(chunk(i), slow.next());
    }
    assertEquals("complete", slow.next());
  }

  @Test
  void whatDependsOnTheCompletionRunsElsewhere() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    CompletableFuture<Thread> thread = new CompletableFuture<>();
    CompletableFuture<GenerationResult> used = new CompletableFuture<>();
    generation
        .completion()
        .thenAccept(
            result -> {
              thread.complete(Thread.currentThread());
              await(go);
              used.complete(result);
            });
    generation.finish(RESULT); // returns although what depends on it waits
    assertNotSame(Thread.currentThread(), thread.get(30, TimeUnit.SECONDS));
    go.countDown();
    assertSame(RESULT, used.get(30, TimeUnit.SECONDS));
    assertSame(RESULT, generation.completion().toCompletableFuture().get(30, TimeUnit.SECONDS));
  }

  @Test
  void aCompletionHasTheFailureAndCannotBeCompletedByOthers() throws Exception {
    CompletableFuture<GenerationResult> copy = generation.completion().toCompletableFuture();
    copy.cancel(true);
    assertTrue(generation.isRunning());
    IllegalStateException failure = new IllegalStateException("x");
    generation.fail(failure);
    ExecutionException thrown =
        assertThrows(
            ExecutionException.class,
            () -> generation.completion().toCompletableFuture().get(30, TimeUnit.SECONDS));
    assertSame(failure, thrown.getCause());
    assertSame(
        failure,
        assertThrows(IllegalStateException.class, () -> generation.result(Duration.ofSeconds(30))));
  }

  @Test
  void theLastSubscriptionThatIsCancelledCancelsTheGeneration() throws Exception {
    generation.emit(chunk(0));
    Subscriber first = subscribe();
    Subscriber second = subscribe();
    first.request(1);
    assertEquals(chunk(0), first.next());
    first.subscription.get().cancel();
    first.subscription.get().cancel();
    assertEquals(0, cancels.get());
    second.subscription.get(30, TimeUnit.SECONDS).cancel();
    assertEquals(1, cancels.get());
    assertFalse(generation.isRunning());
    generation.emit(chunk(1));
    generation.finish(RESULT);
    Subscriber third = subscribe();
    third.request(3);
    for (Object expected : new Object[] {chunk(0), chunk(1), "complete"}) {
      assertEquals(expected, third.next());
    }
    assertTrue(first.signals.isEmpty() && second.signals.isEmpty());
  }

  @Test
  void aSubscriberThatThrowsOrAsksForNothingHasCancelled() throws Exception {
    Subscriber throwing =
        new Subscriber() {
          @Override
          public void onNext(Chunk chunk) {
            super.onNext(chunk);
            throw new IllegalStateException("thrown on purpose");
          }
        };
    Subscriber asking = subscribe();
    generation.publisher().subscribe(throwing);
    generation.emit(chunk(0));
    generation.emit(chunk(1));
    throwing.request(2);
    assertEquals(chunk(0), throwing.next());
    asking.request(0);
    IllegalArgumentException e = assertInstanceOf(IllegalArgumentException.class, asking.next());
    assertTrue(e.getMessage().contains("3.9"), e.getMessage());
    while (cancels.get() == 0) { // after the second of them has left
      Thread.onSpinWait();
    }
    assertTrue(throwing.signals.isEmpty());
  }

  @Test
  void whoSubscribesToAClosedGenerationHearsSo() throws Exception {
    generation.emit(chunk(0));
    Flow.Publisher<Chunk> publisher = generation.publisher();
    Subscriber early = subscribe();
    early.request(1);
    assertEquals(chunk(0), early.next());
    generation.close();
    Subscriber late = new Subscriber();
    publisher.subscribe(late);
    for (Subscriber subscriber : List.of(early, late)) {
      IllegalStateException e = assertInstanceOf(IllegalStateException.class, subscriber.next());
      assertEquals("generation is closed", e.getMessage());
    }
    for (org.junit.jupiter.api.function.Executable call :
        List.<org.junit.jupiter.api.function.Executable>of(
            generation::completion,
            generation::publisher,
            () -> generation.listen(chunk -> {}),
            () -> generation.result(Duration.ZERO))) {
      assertThrows(IllegalStateException.class, call);
    }
  }

  @Test
  void anExecutorThatRefusesASubscriberEndsItsSubscription() {
    generation
        .publisher(
            task -> {
              throw new RejectedExecutionException("refused on purpose");
            })
        .subscribe(new Subscriber());
    assertEquals(1, cancels.get());
    generation.emit(chunk(0)); // does not meet the executor again
    generation.finish(RESULT);
  }

  @Test
  void aListenerHearsEverythingInOrderAndOneThatThrowsDoesNotCancel() throws Exception {
    BlockingQueue<Object> heard = new LinkedBlockingQueue<>();
    GenerationListener listener =
        new GenerationListener() {
          @Override
          public void onChunk(Chunk chunk) {
            heard.add(chunk);
          }

          @Override
          public void onEnd(GenerationResult result) {
            heard.add(result);
          }
        };
    generation.emit(chunk(0));
    generation.listen(listener);
    CountDownLatch thrown = new CountDownLatch(1);
    generation.listen(
        chunk -> {
          thrown.countDown();
          throw new IllegalStateException("thrown on purpose");
        });
    generation.emit(chunk(1));
    await(thrown);
    generation.finish(RESULT);
    for (Object expected : new Object[] {chunk(0), chunk(1), RESULT}) {
      assertEquals(expected, heard.poll(30, TimeUnit.SECONDS));
    }
    assertEquals(0, cancels.get());
  }

  @Test
  void aListenerHearsOfAFailure() throws Exception {
    CompletableFuture<RuntimeException> heard = new CompletableFuture<>();
    generation.listen(
        new GenerationListener() {
          @Override
          public void onChunk(Chunk chunk) {}

          @Override
          public void onFailure(RuntimeException failure) {
            heard.complete(failure);
          }
        });
    IllegalStateException failure = new IllegalStateException("x");
    generation.fail(failure);
    assertSame(failure, heard.get(30, TimeUnit.SECONDS));
  }

  @Test
  void aResultThatIsNotThereInTimeCanBeWaitedForAgain() throws Exception {
    OperationTimeoutException e =
        assertThrows(
            OperationTimeoutException.class, () -> generation.result(Duration.ofMillis(1)));
    assertEquals("generation", e.operation());
    assertEquals(
        "generation: has not ended after PT0.001S, expected its end by then; it goes on: wait for"
            + " it again, or cancel it",
        e.getMessage());
    assertThrows(OperationTimeoutException.class, () -> generation.result(Duration.ofSeconds(-1)));
    assertEquals(0, cancels.get());
    generation.finish(RESULT);
    assertSame(RESULT, generation.result(Duration.ZERO));
    assertSame(RESULT, generation.result(Duration.ofSeconds(Long.MAX_VALUE)));
  }

  @Test
  void anInterruptedWaitWithATimeCancels() {
    Thread.currentThread().interrupt();
    assertThrows(
        OperationInterruptedException.class, () -> generation.result(Duration.ofSeconds(30)));
    assertTrue(Thread.interrupted());
    assertEquals(1, cancels.get());
  }

  @Test
  void aLogGivesTheChunksThatItTook() {
    ChunkLog log = new ChunkLog();
    List<Chunk> chunks = new ArrayList<>();
    chunks.add(new Chunk("the prompt", OptionalInt.empty(), Optional.empty()));
    for (int i = 0; i < 40; i++) {
      TokenLogprobs logprobs = new TokenLogprobs(i, -i, List.of());
      chunks.add(new Chunk(i % 3 == 0 ? "" : "字" + i, OptionalInt.of(i), Optional.of(logprobs)));
    }
    chunks.add(new Chunk("rest", OptionalInt.empty(), Optional.empty()));
    chunks.forEach(log::add);
    List<Chunk> found = new ArrayList<>();
    for (int i = 0; i < log.size(); i++) {
      found.add(log.get(i));
    }
    assertEquals(chunks, found);
  }
}
