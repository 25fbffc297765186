package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.TokenLogprobs;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Finds the likeliest tokens that may follow texts, for a beam search: by the log-softmax of the
 * scores that the processors leave. For one thread at a time.
 */
public final class Continuations {
  /**
   * A token that may follow a text.
   *
   * @param logprob its log-probability after the processors
   * @param report how likely it is in the model's own distribution; empty if not asked for
   */
  public record Continuation(int id, double logprob, Optional<TokenLogprobs> report) {}

  private static final Comparator<Continuation> BEST_FIRST =
      Comparator.comparingDouble((Continuation c) -> -c.logprob())
          .thenComparingInt(Continuation::id);

  private final int count;
  private final OptionalInt reported;
  private final Scores scores;
  private final Candidates candidates;

  /**
   * @param count most tokens that are found for a text
   * @param reported likeliest tokens of a report; empty for no report
   * @param vocabulary V
   */
  public Continuations(int count, OptionalInt reported, int vocabulary) {
    this.count = Math.min(count, vocabulary);
    this.reported = reported;
    this.scores = new Scores(vocabulary);
    this.candidates = new Candidates(vocabulary);
  }

  /**
   * Returns the likeliest tokens, best first, of equals the lower id first; impossible ones are not
   * among them.
   *
   * @param row the logits that follow the text
   * @param processors that know the text
   */
  public List<Continuation> best(LogitsRow row, List<ScoreProcessor> processors) {
    scores.takeAll(row.all());
    processors.forEach(processor -> processor.process(scores));
    scores.requireOne();
    double norm = logSumExp();
    candidates.start(scores.values(), scores.size(), Double.NEGATIVE_INFINITY);
    double least = Math.max(candidates.best(count), -Double.MAX_VALUE);
    candidates.start(scores.values(), scores.size(), least);
    List<Integer> ids = new ArrayList<>(candidates.size());
    for (int i = 0; i < candidates.size(); i++) {
      ids.add(candidates.place(i));
    }
    return ids.stream()
        .map(id -> new Continuation(id, scores.get(id) - norm, report(row, id)))
        .sorted(BEST_FIRST)
        .limit(count)
        .toList();
  }

  private Optional<TokenLogprobs> report(LogitsRow row, int id) {
    return reported.isPresent()
        ? Optional.of(Logprobs.of(row.all(), id, reported.getAsInt()))
        : Optional.empty();
  }

  private double logSumExp() {
    double best = scores.get(scores.likeliest());
    double sum = 0;
    for (int place = 0; place < scores.size(); place++) {
      sum += StrictMath.exp(scores.get(place) - best);
    }
    return best + StrictMath.log(sum);
  }
}
