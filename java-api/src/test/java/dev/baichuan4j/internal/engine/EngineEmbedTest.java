package dev.baichuan4j.internal.engine;

import static dev.baichuan4j.internal.engine.SmallEngine.CONTEXT;
import static dev.baichuan4j.internal.engine.SmallEngine.PROMPT;
import static dev.baichuan4j.internal.engine.SmallEngine.assertTakesAllPages;
import static dev.baichuan4j.internal.engine.SmallEngine.await;
import static dev.baichuan4j.internal.engine.SmallEngine.engine;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.OperationTimeoutException;
import dev.baichuan4j.Pooling;
import dev.baichuan4j.internal.engine.SmallEngine.Held;
import dev.baichuan4j.internal.engine.SmallEngine.Recorder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Texts that are read for one value: their bits, and how they stand among others. */
@Timeout(60)
class EngineEmbedTest {
  private static int[] text(int length, int seed) {
    return IntStream.range(0, length).map(i -> (i * 7 + seed) % 31).toArray();
  }

  private static <T> T value(Engine engine, ValueRequest<T> request) throws Exception {
    engine.submit(request);
    return request.value().get(30, TimeUnit.SECONDS);
  }

  private static EmbedRequest embed(int[] ids, Pooling pooling) {
    return new EmbedRequest(ids, pooling, Terms.USUAL);
  }

  @Test
  void theMeanIsThatOfTheLastStatesOfEveryBeginning() throws Exception {
    try (Engine engine = engine(8)) {
      int[] ids = text(70, 3); // more than a step feeds
      double[] sum = null;
      for (int i = 1; i <= ids.length; i++) {
        float[] last = value(engine, embed(Arrays.copyOf(ids, i), Pooling.LAST));
        sum = sum == null ? new double[last.length] : sum;
        for (int c = 0; c < last.length; c++) {
          sum[c] += last[c];
        }
      }
      float[] expected = new float[sum.length];
      for (int c = 0; c < expected.length; c++) {
        expected[c] = (float) (sum[c] / ids.length);
      }
      assertArrayEquals(expected, value(engine, embed(ids, Pooling.MEAN)));
    }
  }

  /** With few pages, so that some are paused and read again, and texts of other kinds between. */
  @Test
  void valuesHaveTheSameBitsAloneAndInCompany() throws Exception {
    List<float[]> alone = new ArrayList<>();
    double[][] logprobs;
    int[][] targets = {{1, 2}, {3}, {4, 5, 6}};
    try (Engine engine = engine(8)) {
      for (int i = 0; i < 8; i++) {
        alone.add(value(engine, embed(text(40 + 10 * i, i), pooling(i))));
      }
      logprobs = value(engine, new LogprobsRequest(text(100, 5), targets, Terms.USUAL));
    }
    for (int pages : new int[] {2, 3, 8}) {
      try (Engine engine = engine(pages)) {
        List<Recorder> texts = new ArrayList<>();
        List<EmbedRequest> requests = new ArrayList<>();
        List<LogprobsRequest> scores = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          texts.add(new Recorder(60 + i));
          engine.submit(texts.get(i));
          for (int j = 2 * i; j < 2 * i + 2; j++) {
            requests.add(embed(text(40 + 10 * j, j), pooling(j)));
            engine.submit(requests.get(j));
          }
          scores.add(new LogprobsRequest(text(100, 5), targets, Terms.USUAL));
          engine.submit(scores.get(i));
        }
        for (int i = 0; i < requests.size(); i++) {
          assertArrayEquals(
              alone.get(i),
              requests.get(i).value().get(30, TimeUnit.SECONDS),
              "text " + i + ", pages " + pages);
        }
        for (LogprobsRequest score : scores) {
          assertArrayEquals(logprobs, score.value().get(30, TimeUnit.SECONDS));
        }
        for (Recorder text : texts) {
          assertEquals(FinishReason.LENGTH, text.end.get(30, TimeUnit.SECONDS));
        }
      }
    }
  }

  private static Pooling pooling(int i) {
    return i % 3 == 0 ? Pooling.LAST : Pooling.MEAN;
  }

  @Test
  void logprobsAreThoseOfTheLogits() throws Exception {
    try (Engine engine = engine(8)) {
      int[] ids = text(90, 1);
      float[][] rows = new float[ids.length][];
      engine.score(ids, true, 0, (position, row) -> rows[position] = row.clone());
      int[][] targets = new int[80][]; // more rows than a step has
      for (int i = 0; i < targets.length; i++) {
        targets[i] = new int[] {i % 32, 31 - i % 32};
      }
      double[][] found = value(engine, new LogprobsRequest(ids, targets, Terms.USUAL));
      for (int i = 0; i < targets.length; i++) {
        float[] row = rows[ids.length - targets.length + i];
        double sum = 0;
        for (float logit : row) {
          sum += Math.exp(logit);
        }
        for (int j = 0; j < targets[i].length; j++) {
          assertEquals(row[targets[i][j]] - Math.log(sum), found[i][j], 1e-9, "row " + i);
        }
      }
    }
  }

  @Test
  void aCancelledOneEndsAndItsPagesComeFree() throws Exception {
    try (Engine engine = engine(2)) {
      Held running = new Held(20);
      engine.submit(running);
      await(running.inside);
      EmbedRequest waiting = embed(PROMPT, Pooling.MEAN);
      engine.submit(waiting);
      waiting.cancel();
      assertThrows(CancellationException.class, () -> waiting.value().get(30, TimeUnit.SECONDS));
      EmbedRequest late =
          new EmbedRequest(PROMPT, Pooling.MEAN, Terms.USUAL.withTimeout(Duration.ofNanos(1)));
      engine.submit(late);
      running.go.countDown();
      ExecutionException e =
          assertThrows(ExecutionException.class, () -> late.value().get(30, TimeUnit.SECONDS));
      OperationTimeoutException timeout =
          assertInstanceOf(OperationTimeoutException.class, e.getCause());
      assertEquals("embedding", timeout.operation());
      running.end.get(30, TimeUnit.SECONDS);
      assertTakesAllPages(engine);
    }
  }

  @Test
  void aTextThatIsTooLongIsRefused() {
    try (Engine engine = engine(2)) {
      assertThrows(
          ContextOverflowException.class,
          () -> engine.submit(embed(text(CONTEXT + 1, 0), Pooling.LAST)));
    }
  }
}
