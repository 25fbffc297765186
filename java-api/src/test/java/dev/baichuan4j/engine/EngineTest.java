package dev.baichuan4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.checkpoint.ModelConfig;
import dev.baichuan4j.nn.ElementType;
import dev.baichuan4j.nn.Model;
import dev.baichuan4j.nn.Ops;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What fails and who hears of it; whoever waits for an engine gets an answer. */
@Timeout(60)
class EngineTest {
  private static final int CONTEXT = 128; // two pages
  private static final int[] PROMPT = {1, 2, 3};

  private static Engine engine(int pages) {
    ModelConfig config =
        ModelConfig.of(
            new ModelShape(
                128, 1, 1, 64, 32, CONTEXT, ModelShape.Position.ROPE, ModelShape.Head.PLAIN));
    Model model = Model.random(Ops.cpu(1, false), config, Quant.BF16);
    return new Engine(model, new Engine.Limits(CONTEXT, pages, ElementType.F16, 64, 4, 16));
  }

  /** Writes token 5 until its limit. */
  private static class Recorder extends RequestDouble {
    final CompletableFuture<Integer> cachedTokens = new CompletableFuture<>();

    Recorder(int newTokens, SessionCache session) {
      super(PROMPT, newTokens, session);
    }

    @Override
    protected void started(int cachedTokens) {
      this.cachedTokens.complete(cachedTokens);
    }

    @Override
    protected int next(float[] logits) {
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

    Held(int newTokens, SessionCache session) {
      super(newTokens, session);
    }

    @Override
    protected int next(float[] logits) {
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
        Held running = new Held(1000, null);
        Recorder deadly =
            new Recorder(1, null) {
              @Override
              protected void started(int cachedTokens) {
                EngineTest.<RuntimeException>sneak(cause);
              }
            };
        Recorder waiting = new Recorder(1, null);
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
        assertThrows(IllegalStateException.class, () -> engine.submit(new Recorder(1, null)));
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
    Held running = new Held(1000, null);
    Recorder waiting = new Recorder(1, null); // the running one has all the pages
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
      Held running = new Held(20, null);
      Recorder inToken =
          new Recorder(9, null) {
            @Override
            protected int next(float[] logits) {
              throw new StackOverflowError();
            }
          };
      IllegalStateException reason = new IllegalStateException("no end");
      Recorder atEnd =
          new Recorder(1, null) {
            @Override
            protected void finished(FinishReason ignored) {
              throw reason;
            }
          };
      Recorder deaf =
          new Recorder(1, null) {
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
      engine.submit(deaf);
      running.go.countDown();
      assertTrue(inToken.failure().getCause() instanceof StackOverflowError);
      assertSame(reason, atEnd.failure());
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
  void aSessionClosedWhileItGeneratesEndsAndGivesItsPagesBack() throws Exception {
    try (Engine engine = engine(2)) {
      SessionCache session = new SessionCache();
      Recorder first = new Recorder(3, session);
      engine.submit(first);
      assertEquals(FinishReason.LENGTH, first.end.get(30, TimeUnit.SECONDS));

      Held second = new Held(1000, session);
      engine.submit(second);
      await(second.inside);
      assertEquals(PROMPT.length - 1, second.cachedTokens.get()); // an open session keeps them
      second.cancel();
      engine.release(session);
      second.go.countDown();
      assertEquals(FinishReason.CANCELLED, second.end.get(30, TimeUnit.SECONDS));

      Recorder third = new Recorder(1, session);
      engine.submit(third);
      assertEquals(0, third.cachedTokens.get(30, TimeUnit.SECONDS));
      assertEquals(FinishReason.LENGTH, third.end.get(30, TimeUnit.SECONDS));
      assertTakesAllPages(engine);
    }
  }

  @Test
  void aRequestThatNeedsMorePagesThanThereAreFailsAndTheNextIsServed() throws Exception {
    try (Engine engine = engine(1)) {
      Recorder large = new Recorder(CONTEXT, null);
      engine.submit(large);
      assertTrue(large.failure() instanceof OutOfDeviceMemoryException);
      Recorder small = new Recorder(1, null);
      engine.submit(small);
      assertEquals(FinishReason.LENGTH, small.end.get(30, TimeUnit.SECONDS));
    }
  }

  /** A text that needs every page of the engine. */
  private static void assertTakesAllPages(Engine engine) throws Exception {
    assertEquals(engine.limits().pages(), engine.limits().pageSlots());
    Recorder request = new Recorder(CONTEXT, null);
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
