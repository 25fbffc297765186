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
   * @param lengths of the request with some number
   * @param shared tokens at their beginning that all prompts have in common
   * @param rate requests a second: the times between them are exponential, as those of a Poisson
   *     process are; infinite for all at once
   * @param vocabulary ids are below it
   */
  static Workload draw(
      int requests,
      IntFunction<Length> lengths,
      int shared,
      double rate,
      int vocabulary,
      SplittableRandom random) {
    int[] beginning = random.ints(shared, 0, vocabulary).toArray();
    List<Arrival> arrivals = new ArrayList<>(requests);
    double seconds = 0;
    for (int i = 0; i < requests; i++) {
      Length length = lengths.apply(i);
      int[] prompt = random.ints(length.prompt(), 0, vocabulary).toArray();
      System.arraycopy(beginning, 0, prompt, 0, Math.min(shared, prompt.length));
      arrivals.add(new Arrival((long) (seconds * 1e9), prompt, length.newTokens()));
      seconds += -Math.log(1 - random.nextDouble()) / rate;
    }
    return new Workload(arrivals);
  }
}
