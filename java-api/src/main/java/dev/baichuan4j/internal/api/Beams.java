package dev.baichuan4j.internal.api;

import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.internal.sampling.Continuations.Continuation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;

/** The texts of a beam search and how they go on, see {@link BeamSearch}. For one thread. */
final class Beams {
  /**
   * A text that was found.
   *
   * @param ids its tokens, the end marker included
   * @param logprob the sum of their log-probabilities
   * @param reports one for each token, if asked for
   */
  record Hypothesis(int[] ids, double logprob, List<TokenLogprobs> reports, boolean ended) {
    private static final Hypothesis EMPTY = new Hypothesis(new int[0], 0, List.of(), false);

    private Hypothesis then(Continuation next) {
      int[] longer = Arrays.copyOf(ids, ids.length + 1);
      longer[ids.length] = next.id();
      List<TokenLogprobs> all = reports;
      if (next.report().isPresent()) {
        all = new ArrayList<>(reports);
        all.add(next.report().get());
      }
      return new Hypothesis(longer, logprob + next.logprob(), all, false);
    }

    private Hypothesis end() {
      return new Hypothesis(ids, logprob, reports, true);
    }
  }

  private final int width;
  private final double lengthPenalty;
  private final int most;
  private final Predicate<int[]> ends;
  private final Comparator<Hypothesis> bestFirst =
      Comparator.comparingDouble(hypothesis -> -score(hypothesis));
  private List<Hypothesis> live = List.of(Hypothesis.EMPTY); // by logprob, best first
  private final List<Hypothesis> ended = new ArrayList<>(); // by score, best first

  /**
   * @param most tokens of a text
   * @param ends whether a text ends with its last token
   */
  Beams(BeamSearch search, int most, Predicate<int[]> ends) {
    this.width = search.width();
    this.lengthPenalty = search.lengthPenalty();
    this.most = most;
    this.ends = ends;
  }

  /** Returns how many continuations of each text a step needs: as many may end as go on. */
  int continuations() {
    return 2 * width;
  }

  /** Returns the texts that go on, all of the same length; none when the search has ended. */
  List<Hypothesis> live() {
    return live;
  }

  /**
   * Makes each text that goes on one token longer.
   *
   * @param next of each of them the likeliest continuations
   */
  void advance(List<List<Continuation>> next) {
    List<Hypothesis> all = new ArrayList<>();
    for (int i = 0; i < live.size(); i++) {
      Hypothesis text = live.get(i);
      next.get(i).forEach(continuation -> all.add(text.then(continuation)));
    }
    all.sort(Comparator.comparingDouble(hypothesis -> -hypothesis.logprob)); // is stable
    List<Hypothesis> longer = new ArrayList<>(width);
    for (int rank = 0; rank < Math.min(2 * width, all.size()) && longer.size() < width; rank++) {
      Hypothesis text = all.get(rank);
      if (!ends.test(text.ids)) {
        longer.add(text);
      } else if (rank < width) {
        ended.add(text.end());
      }
    }
    ended.sort(bestFirst);
    if (ended.size() > width) {
      ended.subList(width, ended.size()).clear();
    }
    live = longer;
    if (!longer.isEmpty() && longer.get(0).ids.length < most && mayImprove(longer.get(0))) {
      return;
    }
    if (!longer.isEmpty() && longer.get(0).ids.length == most) {
      ended.addAll(longer);
      ended.sort(bestFirst);
    }
    live = List.of();
  }

  /** Whether a text would be among the best if it ended here. */
  private boolean mayImprove(Hypothesis best) {
    return ended.size() < width || score(best) > score(ended.get(width - 1));
  }

  private double score(Hypothesis text) {
    return text.logprob / StrictMath.pow(text.ids.length, lengthPenalty);
  }

  /**
   * Returns the best texts so far, best first: those that have ended, and after them, if there are
   * too few, those that go on.
   */
  List<Hypothesis> best(int count) {
    List<Hypothesis> best = new ArrayList<>(ended);
    best.addAll(live);
    return best.subList(0, Math.min(count, best.size()));
  }
}
