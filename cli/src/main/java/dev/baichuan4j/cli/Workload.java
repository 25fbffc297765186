package dev.baichuan4j.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;

/**
 * Requests and when they arrive. The same seed gives the same.
 *
 * @param arrivals in the order of their times
 */
record Workload(List<Arrival> arrivals) {

  /**
   * A request.
   *
   * @param nanos when it arrives, from the first one on
   * @param prompt ids
   * @param newTokens tokens that it writes
   */
  record Arrival(long nanos, int[] prompt, int newTokens) {}

  /**
   * How long a request is, in tokens.
   *
   * @param prompt its prompt
   * @param newTokens what it writes
   */
  record Length(int prompt, int newTokens) {
    int total() {
      return prompt + newTokens;
    }
  }

  /**
   * Draws a workload.
   *
   * @param lengths of the requests, in their order
   * @param shared tokens at their beginning that all prompts have in common
   * @param rate requests a second: the times between them are exponential, as those of a Poisson
   *     process are; infinite for all at once
   * @param vocabulary ids are below it
   */
  static Workload draw(
      List<Length> lengths, int shared, double rate, int vocabulary, SplittableRandom random) {
    int[] beginning = random.ints(shared, 0, vocabulary).toArray();
    return arrive(
        lengths,
        i -> {
          int[] prompt = random.ints(lengths.get(i).prompt(), 0, vocabulary).toArray();
          System.arraycopy(beginning, 0, prompt, 0, Math.min(shared, prompt.length));
          return prompt;
        },
        rate,
        random);
  }

  /** Draws the times of a workload whose prompts are given, and begin again where they end. */
  static Workload of(
      List<int[]> prompts, List<Length> lengths, double rate, SplittableRandom random) {
    return arrive(lengths, i -> prompts.get(i % prompts.size()), rate, random);
  }

  private static Workload arrive(
      List<Length> lengths, IntFunction<int[]> prompts, double rate, SplittableRandom random) {
    List<Arrival> arrivals = new ArrayList<>(lengths.size());
    double seconds = 0;
    for (int i = 0; i < lengths.size(); i++) {
      arrivals.add(
          new Arrival((long) (seconds * 1e9), prompts.apply(i), lengths.get(i).newTokens()));
      seconds += -Math.log(1 - random.nextDouble()) / rate;
    }
    return new Workload(arrivals);
  }
}
