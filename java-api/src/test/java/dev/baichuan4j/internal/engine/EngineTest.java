package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.QueueFullException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What fails and who hears of it; whoever waits for an engine gets an answer. */
@Timeout(60)
class EngineTest {
  private static final int CONTEXT = 128; // two pages
  private static final int[] PROMPT = {1, 2, 3};

  private static Engine engine(int pages) {
    Architecture config =
        Architecture.of(
            new ModelShape(
                128, 1, 1, 64, 32, CONTEXT, ModelShape.Position.ROPE, ModelShape.Head.PLAIN));
    Model model = Model.random(Ops.cpu(1, false), config, Quant.BF16);
    return new Engine(model, new Engine.Limits(CONTEXT, pages, ElementType.F16, 64, 4, 16));
  }

  /** Writes token 5 until its limit. */
  private static class Recorder extends RequestDouble {
    final CompletableFuture<Integer> cachedTokens = new CompletableFuture<>();

    Recorder(int newTokens) {
      this(PROMPT, newTokens);
    }

    Recorder(int[] prompt, int newTokens) {
      super(prompt, newTokens);
    }

    @Override
    protected void started(int cachedTokens) {
      this.cachedTokens.complete(cachedTokens);
    }

    @Override
    public int next(LogitsRow row) {
      return 5;
    }

    Throwable failure() {
      return assertThrows(ExecutionException.class, () -> end.get(30, TimeUnit.SECONDS)).getCause();
    }
  }

  /** Holds the engine's thread in its first token until {@link #go}. */
  private static final class Held extends Recorder {
    final CountDownLatch inside = new CountDownLatch(1);
    final CountDownLatch go = new CountDownLatch(1);

    Held(int newTokens) {
      super(newTokens);
    }

    @Override
    public int next(LogitsRow row) {
      inside.countDown();
      await(go);
      return 5;
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(30, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void anErrorOnItsThreadFailsWhatRunsAndWaitsAndClosesTheModel() throws Exception {
    for (Throwable cause : new Throwable[] {new LinkageError("x"), new RuntimeException("x")}) {
      try (Engine engine = engine(4)) {
        Held running = new Held(1000);
        Recorder deadly =
            new Recorder(1) {
              @Override
              int mostShared() { // is asked outside of a step
                EngineTest.<RuntimeException>sneak(cause);
                return 0;
              }
            };
        Recorder waiting = new Recorder(1);
        engine.submit(running);
        await(running.inside);
        engine.submit(deadly);
        engine.submit(waiting);
        CompletableFuture<Void> score =
            CompletableFuture.runAsync(() -> engine.score(PROMPT, false, 0, (p, row) -> {}));
        running.go.countDown();
        for (Recorder request : new Recorder[] {running, deadly, waiting}) {
          Throwable failure = request.failure();
          assertEquals("model is closed", failure.getMessage());
          assertSame(cause, failure.getCause());
        }
        // It was done before the error, or it says that the model is closed: never left to wait.
        score.handle((done, failure) -> null).get(30, TimeUnit.SECONDS);
        assertClosed(engine);
      }
    }
  }

  private static void assertClosed(Engine engine) {
    IllegalStateException submit =
        assertThrows(IllegalStateException.class, () -> engine.submit(new Recorder(1)));
    assertEquals("model is closed", submit.getMessage());
    IllegalStateException score =
        assertThrows(
            IllegalStateException.class, () -> engine.score(PROMPT, false, 0, (p, row) -> {}));
    assertEquals("model is closed", score.getMessage());
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(Throwable throwable) throws T {
    throw (T) throwable;
  }

  @Test
  void closingFailsWhatRunsAndWaits() throws Exception {
    Engine engine = engine(2);
    Held running = new Held(1000);
    Recorder waiting = new Recorder(1); // the running one has all the pages
    engine.submit(running);
    await(running.inside);
    engine.submit(waiting);
    Thread closer = new Thread(engine::close);
    closer.start();
    while (closer.getState() != Thread.State.WAITING) { // for the engine's thread
      Thread.onSpinWait();
    }
    running.go.countDown();
    closer.join();
    assertEquals("model is closed", running.failure().getMessage());
    assertEquals("model is closed", waiting.failure().getMessage());
    assertClosed(engine);
    engine.close();
  }

  @Test
  void anErrorOfARequestFailsThatOneAlone() throws Exception {
    try (Engine engine = engine(2)) {
      Held running = new Held(20);
      Recorder inToken =
          new Recorder(9) {
            @Override
            public int next(LogitsRow row) {
              throw new StackOverflowError();
            }
          };
      IllegalStateException reason = new IllegalStateException("no end");
      Recorder atEnd =
          new Recorder(1) {
            @Override
            protected void finished(FinishReason ignored) {
              throw reason;
            }
          };
      Recorder atStart =
          new Recorder(1) {
            @Override
            protected void started(int cachedTokens) {
              throw reason;
            }
          };
      Recorder deaf =
          new Recorder(1) {
            @Override
            protected void finished(FinishReason ignored) {
              throw reason;
            }

            @Override
            protected void failed(RuntimeException failure) {
              throw failure;
            }
          };
      engine.submit(running);
      await(running.inside);
      engine.submit(inToken);
      engine.submit(atEnd);
      engine.submit(atStart);
      engine.submit(deaf);
      running.go.countDown();
      assertTrue(inToken.failure().getCause() instanceof StackOverflowError);
      assertSame(reason, atEnd.failure());
      assertSame(reason, atStart.failure());
      assertEquals(FinishReason.LENGTH, running.end.get(30, TimeUnit.SECONDS));
      assertTakesAllPages(engine);
    }
  }

  @Test
  void anErrorOfAConsumerOfLogitsReachesTheCaller() throws Exception {
    try (Engine engine = engine(2)) {
      for (Throwable cause : new Throwable[] {new LinkageError("x"), new RuntimeException("x")}) {
        Throwable thrown =
            assertThrows(
                Throwable.class,
                () ->
                    engine.score(
                        PROMPT, true, 0, (p, row) -> EngineTest.<RuntimeException>sneak(cause)));
        assertSame(cause, thrown);
      }
      assertTakesAllPages(engine);
    }
  }

  @Test
  void aRequestCancelledWhileItWaitsEndsAtOnceAndFreesItsPlace() throws Exception {
    try (Engine engine = engine(2)) {
      Held running = new Held(1000); // has all the pages, and holds the engine's thread
      engine.submit(running);
      await(running.inside);
      for (int round = 0; round < 3; round++) {
        List<Recorder> waiting = new ArrayList<>();
        for (int i = 0; i < engine.limits().maxQueued(); i++) {
          waiting.add(new Recorder(1));
          engine.submit(waiting.get(i));
        }
        assertThrows(QueueFullException.class, () -> engine.submit(new Recorder(1)));
        for (Recorder request : waiting) {
          request.cancel();
          assertEquals(FinishReason.CANCELLED, request.end.getNow(null));
          request.cancel();
        }
      }
      Recorder next = new Recorder(1);
      engine.submit(next);
      running.cancel();
      running.go.countDown();
      assertEquals(FinishReason.CANCELLED, running.end.get(30, TimeUnit.SECONDS));
      assertEquals(FinishReason.LENGTH, next.end.get(30, TimeUnit.SECONDS));
    }
  }

  /**
   * Requests that are cancelled just as they start or end: each is told one end, and no page is
   * lost.
   */
  @Test
  void everyRequestIsToldOneEndWhereverCancelMeetsIt() throws Exception {
    try (Engine engine = engine(2)) {
      for (int i = 0; i < 500; i++) {
        AtomicInteger ends = new AtomicInteger();
        Recorder request =
            new Recorder(1 + i % 3) {
              @Override
              protected void finished(FinishReason reason) {
                ends.incrementAndGet();
                super.finished(reason);
              }
            };
        engine.submit(request);
        for (int spin = 0; spin < i * 20; spin++) {
          Thread.onSpinWait();
        }
        request.cancel();
        request.end.get(30, TimeUnit.SECONDS);
        engine.score(PROMPT, false, 0, (p, row) -> {}); // whatever else was to come has come
        assertEquals(1, ends.get());
      }
      assertTakesAllPages(engine);
    }
  }

  private static float[][] rows(Engine engine, int[] ids, IntConsumer atRow) {
    float[][] rows = new float[ids.length][];
    engine.score(
        ids,
        true,
        8,
        (position, row) -> {
          rows[position] = row.clone();
          atRow.accept(position);
        });
    return rows;
  }

  private static int[] longText() {
    return IntStream.range(0, CONTEXT - 1).map(i -> i % 31).toArray();
  }

  @Test
  void aConsumerOfLogitsMayCallTheEngineThatThenTakesThePagesFromItsText() {
    try (Engine engine = engine(2)) {
      int[] ids = longText();
      float[][] expected = rows(engine, ids, position -> {});
      float[][] found =
          assertTimeoutPreemptively(
              Duration.ofSeconds(50),
              () ->
                  rows(
                      engine,
                      ids,
                      position -> {
                        if (position % 50 == 3) {
                          sneaking(() -> assertTakesAllPages(engine));
                        }
                      }));
      assertArrayEquals(expected, found);
    }
  }

  @Test
  void aConsumerOfLogitsMayCloseTheEngine() {
    Engine engine = engine(2);
    IllegalStateException closed =
        assertTimeoutPreemptively(
            Duration.ofSeconds(50),
            () ->
                assertThrows(
                    IllegalStateException.class,
                    () -> rows(engine, longText(), position -> engine.close())));
    assertEquals("model is closed", closed.getMessage());
  }

  @Test
  void othersGoOnWhileAConsumerOfLogitsIsSlow() throws Exception {
    try (Engine engine = engine(4)) {
      CountDownLatch inside = new CountDownLatch(1);
      CountDownLatch go = new CountDownLatch(1);
      CompletableFuture<Void> score =
          CompletableFuture.runAsync(
              () ->
                  engine.score(
                      PROMPT,
                      true,
                      0,
                      (p, row) -> {
                        inside.countDown();
                        await(go);
                      }));
      await(inside);
      Recorder request = new Recorder(5);
      engine.submit(request);
      assertEquals(FinishReason.LENGTH, request.end.get(30, TimeUnit.SECONDS));
      go.countDown();
      score.get(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void aStepThatFailsFailsItsTextsAndNotAScoreThatRests() throws Exception {
    try (Engine engine = engine(4)) {
      float[][] expected = rows(engine, longText(), position -> {});
      IllegalStateException reason = new IllegalStateException("no step");
      float[][] found =
          rows(
              engine,
              longText(),
              position -> {
                if (position == 20) {
                  Recorder failing =
                      new Recorder(1) {
                        @Override
                        public boolean wantsBest(int count) {
                          throw reason;
                        }
                      };
                  engine.submit(failing);
                  assertSame(reason, failing.failure());
                }
              });
      assertArrayEquals(expected, found);
    }
  }

  @Test
  void aConsumerOfLogitsThatIsInterruptedEndsTheCall() {
    try (Engine engine = engine(4)) {
      assertThrows(
          OperationInterruptedException.class,
          () -> rows(engine, longText(), position -> Thread.currentThread().interrupt()));
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void textsWhoseLogitsAreWantedWaitForRoomAndTakeTurns() throws Exception {
    try (Engine engine = engine(2)) {
      int[] ids = longText();
      float[][] expected = rows(engine, ids, position -> {});
      Held running = new Held(1000); // has all the pages
      engine.submit(running);
      await(running.inside);
      List<CompletableFuture<float[][]>> scores = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        scores.add(CompletableFuture.supplyAsync(() -> rows(engine, ids, position -> {})));
      }
      running.go.countDown();
      assertEquals(FinishReason.LENGTH, running.end.get(30, TimeUnit.SECONDS));
      for (CompletableFuture<float[][]> score : scores) {
        assertArrayEquals(expected, score.get(30, TimeUnit.SECONDS));
      }
      assertTakesAllPages(engine);
    }
  }

  @Test
  void anInterruptedCallerOfScoreLeavesAtOnceAndItsPagesComeFree() throws Exception {
    try (Engine engine = engine(2)) {
      Held running = new Held(20);
      engine.submit(running);
      await(running.inside);
      CompletableFuture<Boolean> flag = new CompletableFuture<>();
      Thread caller =
          new Thread(
              () -> {
                try {
                  engine.score(PROMPT, false, 0, (p, row) -> {});
                  flag.completeExceptionally(new AssertionError("no exception"));
                } catch (OperationInterruptedException e) {
                  flag.complete(Thread.currentThread().isInterrupted());
                } catch (RuntimeException | Error e) {
                  flag.completeExceptionally(e);
                }
              });
      caller.start();
      while (caller.getState() != Thread.State.WAITING) { // for the engine's thread
        Thread.onSpinWait();
      }
      caller.interrupt();
      assertTrue(flag.get(30, TimeUnit.SECONDS));
      running.go.countDown();
      assertEquals(FinishReason.LENGTH, running.end.get(30, TimeUnit.SECONDS));
      assertTakesAllPages(engine);
    }
  }

  private interface Check {
    void run() throws Exception;
  }

  private static void sneaking(Check check) {
    try {
      check.run();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aRequestThatNeedsMorePagesThanThereAreFailsAndTheNextIsServed() throws Exception {
    try (Engine engine = engine(1)) {
      Recorder large = new Recorder(CONTEXT);
      engine.submit(large);
      assertTrue(large.failure() instanceof OutOfDeviceMemoryException);
      Recorder small = new Recorder(1);
      engine.submit(small);
      assertEquals(FinishReason.LENGTH, small.end.get(30, TimeUnit.SECONDS));
    }
  }

  /** A text that needs every page of the engine. */
  private static void assertTakesAllPages(Engine engine) throws Exception {
    assertEquals(engine.limits().pages(), engine.limits().pageSlots());
    Recorder request = new Recorder(CONTEXT);
    engine.submit(request);
    assertEquals(FinishReason.LENGTH, request.end.get(30, TimeUnit.SECONDS));
  }

  @Test
  void aPromptIsNeverCutIntoPiecesBelowTheSmallest() {
    for (int smallest : new int[] {1, 9}) {
      for (int prompt = 1; prompt < 80; prompt++) {
        for (int room = 2 * smallest - 1; room < 60; room++) {
          int pending = prompt;
          while (pending > 0) {
            int piece = Schedule.piece(pending, room, smallest);
            assertTrue(piece > 0 && piece <= room, "nothing fits");
            assertTrue(piece == prompt || piece >= smallest, "a piece of " + piece);
            pending -= piece;
          }
        }
        assertEquals(0, Schedule.piece(prompt, smallest - 1 < prompt ? smallest - 1 : 0, smallest));
      }
    }
  }
}
