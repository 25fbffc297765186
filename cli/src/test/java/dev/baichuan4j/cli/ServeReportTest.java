package dev.baichuan4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.ModelShape;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ServeReportTest {
  private static final long MS = 1_000_000;

  private static EngineMetrics metrics() {
    ModelShape shape =
        new ModelShape(128, 1, 1, 64, 32, 64, ModelShape.Position.ROPE, ModelShape.Head.PLAIN);
    try (Baichuan model = Baichuan.randomLoader(shape).threads(1).load()) {
      return model.metrics();
    }
  }

  /** 100 requests, one a millisecond: the k-th has k ms to its first token and k more in all. */
  private static ServeReport report(double sloFirstToken, double sloPerToken) {
    List<ServeRun.Served> served =
        IntStream.rangeClosed(1, 100)
            .mapToObj(k -> new ServeRun.Served((k - 1) * MS, 0, k * MS, 2L * k * MS, 10, 11))
            .toList();
    EngineMetrics none = metrics();
    return new ServeReport(
        new ServeRun(served, 0, 0, none, none),
        Double.POSITIVE_INFINITY,
        sloFirstToken,
        sloPerToken);
  }

  @Test
  void percentilesAreValuesThatOccurred() {
    ServeReport.Times times = (ServeReport.Times) report(1, 1).json().get("time_to_first_token_ms");
    assertEquals(new ServeReport.Times(50.5, 50, 90, 99, 100), times);
    assertEquals(new ServeReport.Times(3, 3, 3, 3, 3), ServeReport.Times.of(new double[] {3}));
    assertEquals(new ServeReport.Times(1.5, 1, 2, 2, 2), ServeReport.Times.of(new double[] {1, 2}));
  }

  @Test
  void goodputCountsRequestsThatKeepBothTimes() {
    // The last token comes at 99 + 200 ms. 40 requests have 4 ms a token or less, 30 the other.
    assertGoodput(30, report(30, 4));
    assertGoodput(40, report(60, 4));
    assertGoodput(60, report(60, Double.POSITIVE_INFINITY));
    assertEquals(null, report(1.0 / 0, 1.0 / 0).json().get("goodput"));
  }

  private static void assertGoodput(int good, ServeReport report) {
    Map<?, ?> goodput = (Map<?, ?>) report.json().get("goodput");
    assertEquals(good / 100.0, goodput.get("share"));
    assertEquals(good / 0.299, (double) goodput.get("requests_per_second"), 1e-9);
  }

  @Test
  void arrivalsArePoissonAndTheSameForASeed() {
    Workload workload = draw(5);
    List<Workload.Arrival> arrivals = workload.arrivals();
    assertEquals(0, arrivals.get(0).nanos());
    double[] gaps = new double[arrivals.size() - 1];
    for (int i = 0; i < gaps.length; i++) {
      gaps[i] = (arrivals.get(i + 1).nanos() - arrivals.get(i).nanos()) / 1e9;
    }
    double mean = IntStream.range(0, gaps.length).mapToDouble(i -> gaps[i]).average().orElseThrow();
    double square =
        IntStream.range(0, gaps.length).mapToDouble(i -> gaps[i] * gaps[i]).average().orElseThrow();
    // Exponential: mean 1/rate, and as much deviation. The bounds are five standard errors.
    assertEquals(0.25, mean, 0.25 * 5 / 100);
    assertEquals(1, Math.sqrt(square - mean * mean) / mean, 5 * Math.sqrt(2) / 100);
    for (int i = 0; i < 3; i++) {
      assertArrayEquals(
          IntStream.range(0, 4).map(k -> arrivals.get(0).prompt()[k]).toArray(),
          IntStream.range(0, 4).map(k -> arrivals.get(4).prompt()[k]).toArray());
      assertArrayEquals(arrivals.get(i).prompt(), draw(5).arrivals().get(i).prompt());
    }
    assertTrue(arrivals.get(9_000).nanos() != draw(6).arrivals().get(9_000).nanos());
    assertTrue(arrivals.get(0).prompt()[5] != arrivals.get(1).prompt()[5]);
  }

  private static Workload draw(long seed) {
    return Workload.draw(
        Collections.nCopies(10_001, new Workload.Length(6, 1)),
        4,
        4.0,
        1 << 20,
        new SplittableRandom(seed));
  }
}
