package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.QueueFullException;
import dev.baichuan4j.RequestMetrics;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.engine.SmallEngine.Held;
import dev.baichuan4j.internal.engine.SmallEngine.Recorder;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What an engine says of itself is what it does. */
@Timeout(60)
class EngineMetricsTest {
  private static int[] prompt(int length, int first) {
    int[] ids = IntStream.range(0, length).map(i -> i % 7).toArray();
    ids[0] = first;
    return ids;
  }

  private static void run(Engine engine, Recorder request) throws Exception {
    engine.submit(request);
    request.end.get(30, TimeUnit.SECONDS);
  }

  /** Waits until the engine's thread has told what it says between two steps. */
  private static EngineMetrics await(Engine engine, Predicate<EngineMetrics> condition)
      throws InterruptedException {
    EngineMetrics metrics = engine.metrics();
    while (!condition.test(metrics)) {
      Thread.sleep(1);
      metrics = engine.metrics();
    }
    return metrics;
  }

  @Test
  void aTextIsCountedBeforeItsCallerHasIt() throws Exception {
    try (Engine engine = SmallEngine.engine(4)) {
      run(engine, new Recorder(prompt(70, 0), 5));
      EngineMetrics metrics = engine.metrics();
      assertEquals(new EngineMetrics.Tokens(70, 0, 70, 5, 0, 0), metrics.tokens());
      assertEquals(0, metrics.requests().running());
      assertEquals(0, metrics.requests().waiting());
      assertEquals(1, metrics.requests().submitted());
      assertEquals(
          Map.of(
              FinishReason.LENGTH,
              1L,
              FinishReason.STOP,
              0L,
              FinishReason.CANCELLED,
              0L,
              FinishReason.TIMEOUT,
              0L),
          metrics.requests().finished());
      // 64 tokens are the most of a step: two for the prompt, and one for each token but the first.
      EngineMetrics.Steps steps = metrics.steps();
      assertEquals(6, steps.count());
      assertEquals(70 + 4, steps.tokens());
      assertEquals(6, steps.texts());
      assertTrue(steps.time().compareTo(Duration.ZERO) > 0);
      for (EngineMetrics.Latency latency :
          List.of(metrics.queue(), metrics.firstToken(), metrics.perToken())) {
        assertEquals(1, latency.count());
        assertTrue(latency.mean().compareTo(Duration.ZERO) > 0);
      }
      assertTrue(metrics.firstToken().total().compareTo(metrics.queue().total()) > 0);
      EngineMetrics.Pages pages = await(engine, m -> m.pages().used() == 0).pages();
      assertEquals(new EngineMetrics.Pages(4, 0, 2, 0, 0), pages);
    }
  }

  @Test
  void whatWasInTheCacheIsNotCountedAsRead() throws Exception {
    try (Engine engine = SmallEngine.engine(4)) {
      run(engine, new Recorder(prompt(100, 0), 1));
      run(engine, new Recorder(prompt(100, 0), 1));
      EngineMetrics.Tokens tokens = engine.metrics().tokens();
      assertEquals(new EngineMetrics.Tokens(200, 99, 101, 2, 0, 0), tokens);
      assertEquals(99 / 200.0, tokens.hitRate());
    }
  }

  @Test
  void requestsThatWaitRunAndAreRefusedAreTold() throws Exception {
    try (Engine engine = SmallEngine.engine(8)) {
      Held held = new Held(1);
      engine.submit(held);
      held.inside.await(30, TimeUnit.SECONDS);
      List<Recorder> more = new ArrayList<>();
      for (int i = 0; i < engine.limits().maxQueued(); i++) {
        more.add(new Recorder(1));
        engine.submit(more.get(i));
      }
      assertThrows(QueueFullException.class, () -> engine.submit(new Recorder(1)));
      EngineMetrics.Requests requests = engine.metrics().requests();
      assertEquals(16, requests.waiting());
      assertEquals(1, requests.running());
      assertEquals(17, requests.submitted());
      assertEquals(1, requests.rejected());
      more.get(3).cancel();
      requests = engine.metrics().requests();
      assertEquals(15, requests.waiting());
      assertEquals(1, requests.finished().get(FinishReason.CANCELLED));
      held.go.countDown();
      for (Recorder request : more) {
        request.end.get(30, TimeUnit.SECONDS);
      }
      requests = engine.metrics().requests();
      assertEquals(0, requests.waiting());
      assertEquals(0, requests.running());
      assertEquals(16, requests.finished().get(FinishReason.LENGTH));
      // The one that was cancelled had no first step.
      assertEquals(16, engine.metrics().queue().count());
    }
  }

  @Test
  void pagesThatTwoTextsHoldAreShared() throws Exception {
    int length = Layout.PAGE + 10;
    CountDownLatch inside = new CountDownLatch(2);
    CountDownLatch go = new CountDownLatch(1);
    final class Stops extends Recorder {
      private int tokens;

      Stops() {
        super(EngineMetricsTest.prompt(length, 0), 50); // more than one is behind the other
      }

      @Override
      public int next(LogitsRow row) {
        if (++tokens == 3) {
          inside.countDown();
          if (inside.getCount() == 0) {
            SmallEngine.await(go);
          }
        }
        return 5;
      }
    }
    try (Engine engine = SmallEngine.engine(8)) {
      Held before = new Held(1); // so that both begin together
      engine.submit(before);
      SmallEngine.await(before.inside);
      Stops first = new Stops();
      Stops second = new Stops();
      engine.submit(first);
      engine.submit(second);
      before.go.countDown();
      SmallEngine.await(inside);
      EngineMetrics.Pages pages = engine.metrics().pages();
      assertEquals(new EngineMetrics.Pages(8, 3, 1, 1, 0), pages);
      go.countDown();
      first.end.get(30, TimeUnit.SECONDS);
      second.end.get(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void pausesAndEvictionsAreCounted() throws Exception {
    try (Engine engine = SmallEngine.engine(3)) {
      List<Recorder> texts = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        texts.add(new Recorder(prompt(50, i), 40)); // two pages each in the end
        engine.submit(texts.get(i));
      }
      for (Recorder text : texts) {
        assertEquals(FinishReason.LENGTH, text.end.get(30, TimeUnit.SECONDS));
      }
      EngineMetrics metrics = await(engine, m -> m.pages().used() == 0);
      assertTrue(metrics.requests().pauses() > 0, metrics::toString);
      assertTrue(metrics.pages().evicted() > 0, metrics::toString);
      assertEquals(0, metrics.requests().paused());
      assertEquals(120, metrics.tokens().generated());
      assertTrue(metrics.tokens().prompt() >= 150, metrics::toString);
    }
  }

  @Test
  void listenersAreToldOfEachEndAndMayFail() throws Exception {
    List<RequestMetrics> told = new CopyOnWriteArrayList<>();
    try (Engine engine = SmallEngine.engine(8)) {
      engine.addListener(
          request -> {
            throw new IllegalArgumentException("a listener that fails on purpose");
          });
      engine.addListener(told::add);
      run(engine, new Recorder(prompt(20, 0), 3));
      Recorder failing =
          new Recorder(2) {
            @Override
            public int next(LogitsRow row) {
              throw new IllegalStateException("a request that fails on purpose");
            }
          };
      engine.submit(failing);
      assertEquals("a request that fails on purpose", failing.failure().getMessage());
      engine.score(prompt(9, 1), true, 0, (position, logits) -> {});
      assertEquals(3, told.size());
      assertEquals(Optional.of(FinishReason.LENGTH), told.get(0).reason());
      assertEquals(3, told.get(0).usage().completionTokens());
      assertTrue(told.get(0).timePerToken().isPresent());
      assertEquals(Optional.empty(), told.get(1).reason());
      assertEquals(Optional.empty(), told.get(1).timeToFirstToken());
      assertEquals(9, told.get(2).usage().promptTokens());
      assertEquals(1, engine.metrics().requests().failed());
      assertEquals(0, engine.metrics().requests().running());
    }
  }
}
