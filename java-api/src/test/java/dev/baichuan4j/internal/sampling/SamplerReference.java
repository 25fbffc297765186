package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.Dry;
import dev.baichuan4j.GenerationOptions;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.DoubleStream;
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
    int[] text = IntStream.concat(IntStream.of(prompt), IntStream.of(answer)).toArray();
    double[] dry = dryPenalties(options.dry(), text, new boolean[text.length], n);
    for (int i = 0; i < n; i++) {
      scores[i] -= dry[i];
    }
    options.bannedTokens().forEach(i -> scores[i] = Double.NEGATIVE_INFINITY);
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
    if (options.typicalP() < 1) {
      keepTypical(scores, options.typicalP());
    }
    if (options.xtc().probability() == 1) {
      excludeTopChoices(scores, options.xtc().threshold());
    }
    return softmax(scores);
  }

  /** Meister et al. 2022: the smallest set of least |-log p - H| that has the probability. */
  private static void keepTypical(double[] scores, double probability) {
    double[] p = softmax(scores);
    double entropy = DoubleStream.of(p).filter(x -> x > 0).map(x -> -x * Math.log(x)).sum();
    double[] distance = new double[p.length];
    for (int i = 0; i < p.length; i++) {
      distance[i] = p[i] > 0 ? Math.abs(-Math.log(p[i]) - entropy) : Double.POSITIVE_INFINITY;
    }
    double[] sorted = DoubleStream.of(distance).sorted().toArray();
    for (double bound : sorted) {
      double sum = 0;
      for (int i = 0; i < p.length; i++) {
        sum += distance[i] <= bound + 1e-12 ? p[i] : 0;
      }
      if (sum >= probability - 1e-12) {
        drop(scores, i -> distance[i] > bound + 1e-12);
        return;
      }
    }
  }

  /** Of the tokens that reach the threshold the last in order of probability stays. */
  private static void excludeTopChoices(double[] scores, double threshold) {
    double[] p = softmax(scores);
    List<Integer> order = descending(p);
    for (int rank = 0; rank + 1 < p.length && p[order.get(rank + 1)] >= threshold; rank++) {
      scores[order.get(rank)] = Double.NEGATIVE_INFINITY;
    }
  }

  /**
   * The penalty of each token by the definition: for each earlier place, how many tokens before it
   * are those at the end of the text, without a breaker among them.
   *
   * @param breaks which tokens of the text end a breaker
   */
  static double[] dryPenalties(Dry dry, int[] text, boolean[] breaks, int vocabulary) {
    double[] penalties = new double[vocabulary];
    for (int next = 1; next < text.length; next++) {
      int length = 0;
      while (length < next
          && text[next - 1 - length] == text[text.length - 1 - length]
          && !breaks[text.length - 1 - length]) {
        length++;
      }
      if (dry.multiplier() > 0 && length >= dry.allowedLength() && !breaks[next]) {
        double penalty = dry.multiplier() * Math.pow(dry.base(), length - dry.allowedLength());
        penalties[text[next]] = Math.max(penalties[text[next]], penalty);
      }
    }
    return penalties;
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
