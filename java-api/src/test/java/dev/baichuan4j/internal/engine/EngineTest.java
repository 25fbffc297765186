package dev.baichuan4j.internal.engine;

import static dev.baichuan4j.internal.engine.SmallEngine.CONTEXT;
import static dev.baichuan4j.internal.engine.SmallEngine.PROMPT;
import static dev.baichuan4j.internal.engine.SmallEngine.assertTakesAllPages;
import static dev.baichuan4j.internal.engine.SmallEngine.await;
import static dev.baichuan4j.internal.engine.SmallEngine.engine;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.DeviceException;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.QueueFullException;
import dev.baichuan4j.internal.engine.SmallEngine.Held;
import dev.baichuan4j.internal.engine.SmallEngine.Recorder;
import dev.baichuan4j.internal.engine.draft.DraftPlan;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What fails and who hears of it; whoever waits for an engine gets an answer. */
@Timeout(60)
class EngineTest {
  @Test
  void anErrorOnItsThreadFailsWhatRunsAndWaitsAndClosesTheModel() throws Exception {
    for (Throwable cause : new Throwable[] {new LinkageError("x"), new RuntimeException("x")}) {
      try (Engine engine = engine(4)) {
        Held running = new Held(1000);
        Recorder deadly =
            new Recorder(1) {
              @Override
              int mostShared() { // is asked outside of a step
                SmallEngine.<RuntimeException>sneak(cause);
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
  void aStepThatFailsFailsItsTextsAndNotOneThatWaitsForTheNext() throws Exception {
    DeviceException reason = new DeviceException("a step");
    DraftPlan once =
        new DraftPlan(4, 0) {
          private boolean done;

          @Override
          public void begin(int base, int texts, int wanting, boolean reading, long nanos) {
            if (!done) {
              done = true;
              throw reason; // when the written text has its token, and no prompt has
            }
            super.begin(base, texts, wanting, reading, nanos);
          }
        };
    try (Engine engine = engine(8, once)) {
      Held written = new Held(20);
      Recorder read = new Recorder(3);
      engine.submit(written);
      await(written.inside);
      engine.submit(read);
      written.go.countDown();
      assertSame(reason, written.failure());
      assertEquals(FinishReason.LENGTH, read.end.get(30, TimeUnit.SECONDS));
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
