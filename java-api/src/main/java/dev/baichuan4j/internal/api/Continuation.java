package dev.baichuan4j.internal.api;

import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.LogprobsRequest;
import dev.baichuan4j.internal.engine.Terms;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A text whose end is to be scored.
 *
 * @param ids all of its tokens
 * @param from how many of them are given, at least one; the others are scored
 */
record Continuation(int[] ids, int from) {
  /** What the model has to be fed for a text: those that differ in the last token share it. */
  private record Fed(IntBuffer ids, int from) {
    int[] array() {
      return Arrays.copyOf(ids.array(), ids.remaining());
    }
  }

  private Fed fed() {
    return new Fed(IntBuffer.wrap(ids, 0, ids.length - 1), from);
  }

  int last() {
    return ids[ids.length - 1];
  }

  /** How many tokens are scored. */
  int tokens() {
    return ids.length - from;
  }

  /**
   * Computes the sums of the log-probabilities. The shortest text is read first, alone, so that the
   * others find their beginning in the cache.
   */
  static double[] logprobs(Engine engine, List<Continuation> texts, Terms terms) {
    Map<Fed, List<Integer>> members = new LinkedHashMap<>(); // places in the list
    for (int i = 0; i < texts.size(); i++) {
      members.computeIfAbsent(texts.get(i).fed(), fed -> new ArrayList<>()).add(i);
    }
    List<Map.Entry<Fed, List<Integer>>> groups = new ArrayList<>(members.entrySet());
    groups.sort(Comparator.comparingInt(group -> group.getKey().ids().remaining()));
    List<LogprobsRequest> requests = new ArrayList<>();
    for (Map.Entry<Fed, List<Integer>> group : groups) {
      int[] lasts = group.getValue().stream().mapToInt(i -> texts.get(i).last()).toArray();
      requests.add(request(group.getKey(), lasts, terms));
    }
    List<double[][]> values = new ArrayList<>();
    int first = Math.min(1, requests.size());
    values.addAll(RequestGroup.run(engine, "scoring", requests.subList(0, first)));
    values.addAll(RequestGroup.run(engine, "scoring", requests.subList(first, requests.size())));
    double[] sums = new double[texts.size()];
    for (int g = 0; g < groups.size(); g++) {
      double[][] rows = values.get(g);
      double inner = 0;
      for (int i = 0; i < rows.length - 1; i++) {
        inner += rows[i][0];
      }
      List<Integer> places = groups.get(g).getValue();
      for (int i = 0; i < places.size(); i++) {
        sums[places.get(i)] = inner + rows[rows.length - 1][i];
      }
    }
    return sums;
  }

  private static LogprobsRequest request(Fed fed, int[] lasts, Terms terms) {
    int[] ids = fed.array();
    int[][] targets = new int[ids.length - fed.from() + 1][];
    for (int i = 0; i < targets.length - 1; i++) {
      targets[i] = new int[] {ids[fed.from() + i]};
    }
    targets[targets.length - 1] = lasts;
    return new LogprobsRequest(ids, targets, terms);
  }
}
