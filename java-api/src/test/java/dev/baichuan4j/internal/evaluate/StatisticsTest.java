package dev.baichuan4j.internal.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Intervals and tests against numbers that were computed by hand, or with exact fractions. */
class StatisticsTest {
  @ParameterizedTest
  @CsvSource({
    "8, 10, 0.4901624715, 0.9433178485",
    "0, 10, 0, 0.2775327999",
    "10, 10, 0.7224672001, 1",
    "13, 36, 0.2247559295, 0.5242492452"
  })
  void wilsonsInterval(int right, int all, double low, double high) {
    Interval interval = Interval.wilson(right, all);
    assertEquals(low, interval.low(), 1e-9);
    assertEquals(high, interval.high(), 1e-9);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, 1", // nothing tells them apart
    "5, 5, 1",
    "1, 0, 1", // 2 / 2
    "1, 7, 0.0703125", // 2 (1 + 8) / 256
    "7, 1, 0.0703125",
    "3, 9, 0.14599609375", // 2 (1 + 12 + 66 + 220) / 4096
    "400, 500, 0.0009564441369189461",
  })
  void mcNemarsTestIsExact(int first, int second, double p) {
    assertEquals(p, new McNemar(11, first, second, 3).p(), 1e-9 * p);
  }

  @Test
  void aGreatDifferenceHasNoChance() {
    assertEquals(0, new McNemar(0, 0, 10_000, 0).p());
    assertEquals(Math.pow(2, -99), new McNemar(0, 100, 0, 0).p(), 1e-38);
  }

  @Test
  void aRatioHasItsIntervalFromItsParts() {
    List<RatioEstimate.Part> parts =
        List.of(
            new RatioEstimate.Part(10, 10),
            new RatioEstimate.Part(30, 10),
            new RatioEstimate.Part(40, 20));
    RatioEstimate estimate = RatioEstimate.of(parts);
    assertEquals(2, estimate.ratio(), 1e-12);
    // The distances are -10, 10 and 0: sqrt(200 * 3 / 2) / 40.
    double error = Math.sqrt(300) / 40;
    assertEquals(2 - 1.959964 * error, estimate.interval().orElseThrow().low(), 1e-6);
    assertEquals(2 + 1.959964 * error, estimate.interval().orElseThrow().high(), 1e-6);
    assertEquals(Optional.empty(), RatioEstimate.of(parts.subList(0, 1)).interval());
  }

  @Test
  void outcomesAreCounted() {
    List<Outcome> outcomes =
        List.of(
            outcome(0, "A", true, 0, 0),
            outcome(1, "B", false, 2, 0),
            outcome(2, null, false, 5, 7),
            outcome(3, "A", true, 0, 0));
    Figure figure = Figure.of("law", Task.Kind.ANSWER, outcomes);
    assertEquals(4, figure.items());
    assertEquals(2, figure.amount());
    assertEquals(0.5, figure.value());
    assertEquals(1, figure.unanswered());
    assertEquals(2, figure.shortened());
    assertEquals(7, figure.droppedShots());
    assertEquals(1, figure.cut());
    assertTrue(figure.interval().orElseThrow().low() > 0.15);
    Figure texts =
        Figure.of(
            "poems",
            Task.Kind.PERPLEXITY,
            List.of(
                Outcome.part(new Place("poems", 0), 10, 10),
                Outcome.part(new Place("poems", 1), 30, 10)));
    assertEquals(Math.exp(2), texts.value(), 1e-12);
    assertEquals(20, texts.amount());
  }

  private static Outcome outcome(int item, String said, boolean isRight, int dropped, int cut) {
    return new Outcome(
        new Place("law", item), item, said, "A", isRight, null, List.of(), 0, 0, dropped, cut);
  }
}
