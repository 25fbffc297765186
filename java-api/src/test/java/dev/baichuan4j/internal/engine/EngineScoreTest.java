package dev.baichuan4j.internal.engine;

import static dev.baichuan4j.internal.engine.SmallEngine.CONTEXT;
import static dev.baichuan4j.internal.engine.SmallEngine.PROMPT;
import static dev.baichuan4j.internal.engine.SmallEngine.assertTakesAllPages;
import static dev.baichuan4j.internal.engine.SmallEngine.await;
import static dev.baichuan4j.internal.engine.SmallEngine.engine;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.internal.engine.SmallEngine.Held;
import dev.baichuan4j.internal.engine.SmallEngine.Recorder;
import dev.baichuan4j.internal.engine.draft.DraftPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Texts whose logits a caller takes: what the caller may do meanwhile, and what others notice. */
@Timeout(60)
class EngineScoreTest {
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
  void anErrorOfAConsumerOfLogitsReachesTheCaller() throws Exception {
    try (Engine engine = engine(2)) {
      for (Throwable cause : new Throwable[] {new LinkageError("x"), new RuntimeException("x")}) {
        Throwable thrown =
            assertThrows(
                Throwable.class,
                () ->
                    engine.score(
                        PROMPT, true, 0, (p, row) -> SmallEngine.<RuntimeException>sneak(cause)));
        assertSame(cause, thrown);
      }
      assertTakesAllPages(engine);
    }
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
  void aStepThatFailsFailsItsTextsAndNotAScoreThatRests() {
    OutOfDeviceMemoryException reason = new OutOfDeviceMemoryException(2, 1);
    DraftPlan plan =
        new DraftPlan(4, 0) {
          @Override
          public void begin(int base, int texts, int wanting, boolean reading, long nanos) {
            throw reason;
          }
        };
    try (Engine engine = engine(4, plan)) {
      float[][] expected = rows(engine, longText(), position -> {});
      float[][] found =
          rows(
              engine,
              longText(),
              position -> {
                if (position == 20) {
                  Recorder failing = new Recorder(2);
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
}
