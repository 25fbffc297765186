package dev.baichuan4j.internal.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How two runs differ on the same questions, or on the same parts of texts.
 *
 * @param test of questions; empty for texts
 * @param difference of texts, nats a token of the second run less those of the first; NaN for
 *     questions
 * @param interval of that difference
 */
public record Comparison(Optional<McNemar> test, double difference, Optional<Interval> interval) {
  /**
   * Compares two runs.
   *
   * @param first outcomes by place, at least one
   * @param second those of the same places
   */
  public static Comparison of(Task task, Map<Place, Outcome> first, Map<Place, Outcome> second) {
    if (task.kind() == Task.Kind.PERPLEXITY) {
      List<RatioEstimate.Part> parts = new ArrayList<>();
      first.forEach(
          (place, one) ->
              parts.add(new RatioEstimate.Part(second.get(place).nll() - one.nll(), one.tokens())));
      RatioEstimate estimate = RatioEstimate.of(parts);
      return new Comparison(Optional.empty(), estimate.ratio(), estimate.interval());
    }
    long[] counts = new long[4];
    first.forEach(
        (place, one) -> counts[(one.isRight() ? 2 : 0) + (second.get(place).isRight() ? 1 : 0)]++);
    return new Comparison(
        Optional.of(new McNemar(counts[3], counts[2], counts[1], counts[0])),
        Double.NaN,
        Optional.empty());
  }
}
