package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.GenerationOptions;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** The distribution that {@link Sampler} draws from, by full sorts and step by step as in HF. */
final class SamplerReference {

  private SamplerReference() {}

  static double[] distribution(
      GenerationOptions options, int[] prompt, int[] answer, float[] logits) {
    int n = logits.length;
    double[] scores = IntStream.range(0, n).mapToDouble(i -> logits[i]).toArray();
    Set<Integer> seen = new HashSet<>();
    IntStream.of(prompt).forEach(seen::add);
    IntStream.of(answer).forEach(seen::add);
    double penalty = options.repetitionPenalty();
    seen.forEach(i -> scores[i] = scores[i] < 0 ? scores[i] * penalty : scores[i] / penalty);
    options.logitBias().forEach((i, bias) -> scores[i] += bias);
    for (int id : answer) {
      scores[id] -= options.frequencyPenalty();
    }
    IntStream.of(answer).distinct().forEach(i -> scores[i] -= options.presencePenalty());
    if (options.isGreedy()) {
      double[] result = new double[n];
      result[descending(scores).get(0)] = 1;
      return result;
    }
    for (int i = 0; i < n; i++) {
      scores[i] /= options.temperature();
    }
    if (options.topK() > 0) {
      double kth = scores[descending(scores).get(Math.min(options.topK(), n) - 1)];
      drop(scores, i -> scores[i] < kth);
    }
    if (options.topP() < 1) {
      double[] p = softmax(scores);
      List<Integer> order = descending(p);
      double tail = 0; // from the least likely up to this one
      for (int rank = n - 1; rank > 0; rank--) {
        tail += p[order.get(rank)];
        if (tail <= 1.0 - options.topP()) {
          scores[order.get(rank)] = Double.NEGATIVE_INFINITY;
        }
      }
    }
    double[] p = softmax(scores);
    double best = p[descending(p).get(0)];
    drop(scores, i -> p[i] < options.minP() * best);
    return softmax(scores);
  }

  private static void drop(double[] scores, IntPredicate condition) {
    IntStream.range(0, scores.length)
        .filter(condition)
        .boxed()
        .toList()
        .forEach(i -> scores[i] = Double.NEGATIVE_INFINITY);
  }

  private static List<Integer> descending(double[] values) {
    return IntStream.range(0, values.length)
        .boxed()
        .sorted(Comparator.<Integer>comparingDouble(i -> -values[i]).thenComparing(i -> i))
        .toList();
  }

  private static double[] softmax(double[] scores) {
    double max = IntStream.range(0, scores.length).mapToDouble(i -> scores[i]).max().orElseThrow();
    double[] p =
        IntStream.range(0, scores.length).mapToDouble(i -> Math.exp(scores[i] - max)).toArray();
    double sum = IntStream.range(0, p.length).mapToDouble(i -> p[i]).sum();
    return IntStream.range(0, p.length).mapToDouble(i -> p[i] / sum).toArray();
  }
}
