package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.engine.draft.DraftPlan;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** A model of one layer with room for two pages a text, and requests that write one token. */
final class SmallEngine {
  static final int CONTEXT = 128; // two pages
  static final int[] PROMPT = {1, 2, 3};

  private SmallEngine() {}

  static Engine engine(int pages) {
    return engine(pages, new DraftPlan(4, 0));
  }

  /** An engine whose steps fail where the plan throws, which is asked when a text is written. */
  static Engine engine(int pages, DraftPlan plan) {
    Architecture config =
        Architecture.of(
            new ModelShape(
                128, 1, 1, 64, 32, CONTEXT, ModelShape.Position.ROPE, ModelShape.Head.PLAIN));
    Model model = Model.random(Ops.cpu(1, false), config, Quant.BF16);
    return new Engine(
        model,
        new Engine.Limits(CONTEXT, pages, ElementType.F16, 64, 4, 16),
        Optional.empty(),
        plan);
  }

  /** Writes token 5 until its limit. */
  static class Recorder extends RequestDouble {
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
  static final class Held extends Recorder {
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

  static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(30, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A text that needs every page of the engine. */
  static void assertTakesAllPages(Engine engine) throws Exception {
    assertEquals(engine.limits().pages(), engine.limits().pageSlots());
    Recorder request = new Recorder(CONTEXT);
    engine.submit(request);
    assertEquals(FinishReason.LENGTH, request.end.get(30, TimeUnit.SECONDS));
  }

  @SuppressWarnings("unchecked")
  static <T extends Throwable> void sneak(Throwable throwable) throws T {
    throw (T) throwable;
  }
}
