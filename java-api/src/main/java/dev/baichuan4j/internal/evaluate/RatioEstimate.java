package dev.baichuan4j.internal.evaluate;

import java.util.List;
import java.util.Optional;

/**
 * A sum by another one, such as nats by tokens, of parts that are taken for independent of each
 * other: the windows of a text, whose tokens are not.
 *
 * @param ratio sum of the values by the sum of the weights
 * @param interval by the normal distribution, from the parts' distances from the ratio; empty for
 *     one part
 */
record RatioEstimate(double ratio, Optional<Interval> interval) {
  /** What a part adds to both sums. */
  record Part(double value, double weight) {}

  /**
   * Estimates from parts.
   *
   * @param parts at least one, whose weights have a sum above 0
   */
  static RatioEstimate of(List<Part> parts) {
    double weight = parts.stream().mapToDouble(Part::weight).sum();
    double ratio = parts.stream().mapToDouble(Part::value).sum() / weight;
    int n = parts.size();
    if (n < 2) {
      return new RatioEstimate(ratio, Optional.empty());
    }
    double squares =
        parts.stream()
            .mapToDouble(part -> part.value() - ratio * part.weight())
            .map(distance -> distance * distance)
            .sum();
    double error = Math.sqrt(squares * n / (n - 1)) / weight;
    return new RatioEstimate(
        ratio, Optional.of(new Interval(ratio - Interval.Z * error, ratio + Interval.Z * error)));
  }
}
