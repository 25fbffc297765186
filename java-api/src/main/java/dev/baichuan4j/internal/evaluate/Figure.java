package dev.baichuan4j.internal.evaluate;

import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * What a model has reached in a subject, or in all of them.
 *
 * @param name of the subject
 * @param items questions, or parts of a text
 * @param amount how many answers are right, or tokens that were scored
 * @param value the share of right answers, or the perplexity
 * @param interval where the true value lies with 95 % confidence; empty for a text in one part
 * @param unanswered questions to which what was written has no answer
 * @param shortened prompts that examples were left out of
 * @param droppedShots how many examples
 * @param cut prompts that were cut at their beginning
 */
public record Figure(
    String name,
    int items,
    long amount,
    double value,
    Optional<Interval> interval,
    int unanswered,
    int shortened,
    int droppedShots,
    int cut) {

  /**
   * Counts outcomes.
   *
   * @param outcomes at least one
   */
  static Figure of(String name, Task.Kind kind, Collection<Outcome> outcomes) {
    if (kind == Task.Kind.PERPLEXITY) {
      return perplexity(name, outcomes);
    }
    long right = outcomes.stream().filter(Outcome::isRight).count();
    return new Figure(
        name,
        outcomes.size(),
        right,
        (double) right / outcomes.size(),
        Optional.of(Interval.wilson(right, outcomes.size())),
        (int) outcomes.stream().filter(outcome -> outcome.said() == null).count(),
        (int) outcomes.stream().filter(outcome -> outcome.droppedShots() > 0).count(),
        outcomes.stream().mapToInt(Outcome::droppedShots).sum(),
        (int) outcomes.stream().filter(outcome -> outcome.cutTokens() > 0).count());
  }

  private static Figure perplexity(String name, Collection<Outcome> outcomes) {
    List<RatioEstimate.Part> parts =
        outcomes.stream()
            .map(outcome -> new RatioEstimate.Part(outcome.nll(), outcome.tokens()))
            .toList();
    RatioEstimate estimate = RatioEstimate.of(parts);
    return new Figure(
        name,
        outcomes.size(),
        outcomes.stream().mapToLong(Outcome::tokens).sum(),
        Math.exp(estimate.ratio()),
        estimate
            .interval()
            .map(found -> new Interval(Math.exp(found.low()), Math.exp(found.high()))),
        0,
        0,
        0,
        0);
  }
}
