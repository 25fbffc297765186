package dev.baichuan4j.engine;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Sampling;
import dev.baichuan4j.TokenLogprobs;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Chooses the tokens of one generation: knows the prompt and the answer so far, and owns the random
 * numbers. For one thread.
 *
 * <p>Scores are computed in double from the f32 logits, in the order of Hugging Face transformers
 * 4.29: repetition penalty over every distinct token of prompt and answer, bias, frequency and
 * presence penalty over the answer, temperature, top-k with ties kept, top-p on what top-k left,
 * min-p, softmax, one draw. Every draw takes one number of a generator that is fixed by the seed,
 * and exponentials are those of {@link StrictMath}, so the same logits and seed give the same
 * tokens on every platform.
 *
 * <p>A token costs O(V), whatever is kept. Memory is allocated for the report of log-probabilities
 * only.
 */
public final class Sampler {

  private final Sampling options;
  private final SplitMix64 random;
  private final long seed;
  private final BitSet seen = new BitSet(); // in the prompt or the answer
  private final int[] counts; // [V], occurrences in the answer
  private final double[] scores; // [V]; become weights in place
  private final Candidates candidates;
  private final List<Map.Entry<Integer, Float>> biases;
  private Optional<TokenLogprobs> logprobs = Optional.empty();

  /**
   * Creates the sampler of a generation.
   *
   * @param options how to choose
   * @param prompt token ids of the prompt; they count for the repetition penalty
   * @param vocabulary V, the number of logits
   * @throws InvalidRequestException if the prompt or the bias has an id outside [0, V)
   */
  public Sampler(Sampling options, int[] prompt, int vocabulary) {
    this.options = options;
    seed = options.seed().orElseGet(() -> new SplittableRandom().nextLong());
    random = new SplitMix64(seed);
    counts = new int[vocabulary];
    scores = new double[vocabulary];
    candidates = new Candidates(vocabulary);
    biases = List.copyOf(options.logitBias().entrySet());
    for (int i = 0; i < prompt.length; i++) {
      seen.set(checkId("prompt[" + i + "]", prompt[i]));
    }
    options.logitBias().keySet().forEach(id -> checkId("logitBias", id));
  }

  /** Returns the seed in use: the one asked for, or the one drawn in its place. */
  public long seed() {
    return seed;
  }

  /**
   * Chooses the next token and adds it to the answer.
   *
   * @param logits [V]; left as they are
   * @return a token id
   * @throws IllegalArgumentException if the logits are not V in number
   * @throws InvalidLogitsException if a logit is NaN or positive infinity, or all are negative
   *     infinity
   */
  public int next(float[] logits) {
    load(logits);
    penalize();
    int id = options.isGreedy() ? likeliest() : draw();
    logprobs = options.logprobs() < 0 ? Optional.empty() : Optional.of(report(logits, id));
    seen.set(id);
    counts[id]++;
    return id;
  }

  /**
   * Returns how likely the token of the last {@link #next} was in the model's own distribution.
   *
   * @throws IllegalStateException if the options ask for no report, or before the first token
   */
  public TokenLogprobs logprobs() {
    return logprobs.orElseThrow(
        () ->
            new IllegalStateException("sampler: no log-probabilities were asked for or computed"));
  }

  private void load(float[] logits) {
    if (logits.length != scores.length) {
      throw new IllegalArgumentException(
          "sampler: logits has shape [" + logits.length + "], expected [" + scores.length + "]");
    }
    boolean possible = false;
    for (int id = 0; id < logits.length; id++) {
      float logit = logits[id];
      if (!(logit < Float.POSITIVE_INFINITY)) { // NaN too
        throw new InvalidLogitsException(
            "sampler: logit of token " + id + " has " + logit + ", expected a number");
      }
      possible |= logit > Float.NEGATIVE_INFINITY;
      scores[id] = logit;
    }
    if (!possible) {
      throw new InvalidLogitsException(
          "sampler: every logit has -Infinity, expected a number for at least one token");
    }
  }

  private void penalize() {
    double repetition = options.repetitionPenalty();
    if (repetition != 1) {
      for (int id = seen.nextSetBit(0); id >= 0; id = seen.nextSetBit(id + 1)) {
        scores[id] = scores[id] < 0 ? scores[id] * repetition : scores[id] / repetition;
      }
    }
    for (int i = 0; i < biases.size(); i++) {
      scores[biases.get(i).getKey()] += biases.get(i).getValue();
    }
    double frequency = options.frequencyPenalty();
    double presence = options.presencePenalty();
    if (frequency != 0 || presence != 0) {
      for (int id = seen.nextSetBit(0); id >= 0; id = seen.nextSetBit(id + 1)) {
        if (counts[id] > 0) {
          scores[id] -= counts[id] * frequency + presence;
        }
      }
    }
  }

  private int likeliest() {
    int best = 0;
    for (int id = 1; id < scores.length; id++) {
      if (scores[id] > scores[best]) {
        best = id;
      }
    }
    return best;
  }

  private int draw() {
    if (options.topK() > 0 && options.topK() < scores.length) {
      takeTopK();
      return drawRanked(weighCandidates());
    }
    double sum = weighAll();
    if (options.topP() < 1) {
      // All tokens below this share of the mean lie in the tail that top-p cuts: together they
      // have less than 1 - p.
      double tail = (1 - (double) options.topP()) * sum / scores.length;
      candidates.start(scores, scores.length, tail);
      return drawRanked(sum);
    }
    return drawAny();
  }

  /** Draws from the tokens whose weight min-p keeps. */
  private int drawAny() {
    double total = 0;
    for (int id = 0; id < scores.length; id++) {
      if (scores[id] < options.minP()) { // the best weight is 1
        scores[id] = 0;
      }
      total += scores[id];
    }
    double rest = random.nextDouble() * total;
    int chosen = 0;
    for (int id = 0; id < scores.length && rest >= 0; id++) {
      if (scores[id] > 0) {
        chosen = id;
        rest -= scores[id];
      }
    }
    return chosen;
  }

  /**
   * Draws from the candidates that top-p and min-p keep, in the order of their ranks.
   *
   * @param sum of the weights that top-p refers to
   */
  private int drawRanked(double sum) {
    if (options.topP() < 1) {
      candidates.keepAmount(options.topP() * sum);
    }
    candidates.keepFrom(Math.max(options.minP(), Double.MIN_VALUE)); // the best weight is 1
    return candidates.exceeding(random.nextDouble() * candidates.total());
  }

  /** Takes the best k tokens and all that equal the k-th. */
  private void takeTopK() {
    int k = options.topK();
    double floor = Double.NEGATIVE_INFINITY;
    int part = scores.length / 8;
    if (k <= part) { // the k-th best of a part is not better than the k-th best of all
      candidates.start(scores, part, floor);
      floor = candidates.keepBest(k);
    }
    candidates.start(scores, scores.length, floor);
    candidates.keepBest(k);
  }

  /** Turns the scores of the candidates into weights, and returns their sum. */
  private double weighCandidates() {
    double best = scores[likeliest()];
    for (int i = 0; i < candidates.size(); i++) {
      int id = candidates.id(i);
      scores[id] = weight(scores[id], best);
    }
    return candidates.total();
  }

  /** Turns all scores into weights, and returns their sum. */
  private double weighAll() {
    double best = scores[likeliest()];
    double sum = 0;
    for (int id = 0; id < scores.length; id++) {
      scores[id] = weight(scores[id], best);
      sum += scores[id];
    }
    return sum;
  }

  /** Returns the probability of a token as a share of the best token's: 1 for the best. */
  private double weight(double score, double best) {
    return StrictMath.exp((score - best) / options.temperature());
  }

  private TokenLogprobs report(float[] logits, int id) {
    int[] top = topOf(logits, Math.min(options.logprobs(), logits.length));
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += StrictMath.exp(logit - max);
    }
    double norm = max + StrictMath.log(sum);
    List<TokenLogprobs.Candidate> candidates = new ArrayList<>(top.length);
    for (int candidate : top) {
      candidates.add(new TokenLogprobs.Candidate(candidate, logits[candidate] - norm));
    }
    return new TokenLogprobs(id, logits[id] - norm, candidates);
  }

  /** Returns the ids of the n greatest values, greatest first, of equals the lower id first. */
  private static int[] topOf(float[] values, int n) {
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

  private int checkId(String parameter, int id) {
    if (id < 0 || id >= counts.length) {
      throw new InvalidRequestException(parameter, id, "a token id in [0, " + counts.length + ")");
    }
    return id;
  }
}
