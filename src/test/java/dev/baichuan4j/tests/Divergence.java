package dev.baichuan4j.tests;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.internal.math.KullbackLeibler;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How far the distributions of models' next tokens are from that of a reference, in nats a token.
 */
final class Divergence {
  private Divergence() {}

  /**
   * Returns the Kullback-Leibler divergence of each model's next token from that of the reference,
   * mean over all tokens of all windows.
   *
   * @param windows ids of texts of at most {@code longest} tokens
   */
  static Map<String, Double> of(
      Baichuan reference, Map<String, Baichuan> models, List<int[]> windows) {
    int longest = windows.stream().mapToInt(window -> window.length).max().orElseThrow();
    float[][] expected = new float[longest][];
    Map<String, Double> sums = new LinkedHashMap<>();
    for (int[] window : windows) {
      reference.logits(window, true, 0, (at, logits) -> expected[at] = logits.clone());
      models.forEach(
          (name, model) ->
              model.logits(
                  window,
                  true,
                  0,
                  (at, logits) ->
                      sums.merge(
                          name, KullbackLeibler.divergence(expected[at], logits), Double::sum)));
    }
    long tokens = windows.stream().mapToLong(window -> window.length).sum();
    sums.replaceAll((name, sum) -> sum / tokens);
    return sums;
  }

  /** Returns the first {@code count} windows of a text. */
  static List<int[]> windows(int[] ids, int window, int count) {
    int[][] windows = new int[count][];
    Arrays.setAll(windows, i -> Arrays.copyOfRange(ids, i * window, (i + 1) * window));
    return List.of(windows);
  }
}
