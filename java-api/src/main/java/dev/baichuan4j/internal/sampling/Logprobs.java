package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.internal.math.LogSumExp;
import java.util.ArrayList;
import java.util.List;

/** Reports how likely tokens are in the model's own distribution, whatever the options. */
public final class Logprobs {
  private Logprobs() {}

  /**
   * Returns the report of a token.
   *
   * @param logits [V]
   * @param id the token that was chosen
   * @param count how many of the likeliest tokens to report beside it; no more than V are there
   */
  public static TokenLogprobs of(float[] logits, int id, int count) {
    double norm = LogSumExp.of(logits);
    int[] likeliest = likeliest(logits, Math.min(count, logits.length));
    List<TokenLogprobs.Candidate> candidates = new ArrayList<>(likeliest.length);
    for (int candidate : likeliest) {
      candidates.add(new TokenLogprobs.Candidate(candidate, logits[candidate] - norm));
    }
    return new TokenLogprobs(id, logits[id] - norm, candidates);
  }

  /** Returns the ids of the n greatest values, greatest first, of equals the lower id first. */
  private static int[] likeliest(float[] values, int n) {
    int[] top = new int[n];
    int size = 0;
    for (int id = 0; id < values.length; id++) {
      if (size == n && (n == 0 || values[id] <= values[top[n - 1]])) {
        continue;
      }
      int place = size < n ? size++ : n - 1;
      while (place > 0 && values[id] > values[top[place - 1]]) {
        top[place] = top[place - 1];
        place--;
      }
      top[place] = id;
    }
    return top;
  }
}
