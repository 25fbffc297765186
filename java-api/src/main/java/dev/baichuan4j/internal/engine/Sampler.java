package dev.baichuan4j.internal.engine;

import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidLogitsException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.internal.nn.TopLogits;
import java.util.ArrayList;
import java.util.Arrays;
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
 * <p>The best logits of a row are often enough to choose from ({@link #triesTop}), and the token is
 * then the same as from all of them, to the bit of every sum. The logits that are left out are no
 * greater than the least of those that are there, and penalties only lower them; so they cannot
 * matter once what decides is above that least one: the best score where the choice is greedy, the
 * k-th best where top-k cuts, what min-p asks for where it alone cuts. How many tokens are
 * penalized does not matter, only what is left of the best.
 *
 * <p>A token costs O(n) of n logits, whatever is kept. Memory is allocated for what is returned
 * only.
 */
public final class Sampler {
  /** No token: the best logits are not enough to choose from. */
  public static final int NONE = -1;

  private static final int OUTSIDE = -1;

  private final GenerationOptions options;
  private final SplitMix64 random;
  private final long seed;
  private final int vocabulary;
  private final BitSet seen; // [V], in the prompt or the answer
  private final int[] counts; // [V], occurrences in the answer
  private final int[] biasIds; // ascending
  private final float[] biases; // of these
  private final boolean raises; // an option may raise a score
  private final double[] scores; // by rising token id; become weights in place
  private int size; // scores there are
  private double rest; // where size < V: no score that is left out is above this
  private long[] top = {}; // token id and bits of the logit, ascending
  private final Candidates candidates;
  private Optional<TokenLogprobs> logprobs = Optional.empty();

  /**
   * Creates the sampler of a generation.
   *
   * @param options how to choose
   * @param prompt token ids of the prompt; they count for the repetition penalty
   * @param vocabulary V, the number of logits
   * @throws InvalidRequestException if the prompt or the bias has an id outside [0, V)
   */
  public Sampler(GenerationOptions options, int[] prompt, int vocabulary) {
    this.options = options;
    this.vocabulary = vocabulary;
    seed = options.seed().orElseGet(() -> new SplittableRandom().nextLong());
    random = new SplitMix64(seed);
    seen = new BitSet(vocabulary);
    counts = new int[vocabulary];
    scores = new double[vocabulary];
    candidates = new Candidates(vocabulary);
    for (int i = 0; i < prompt.length; i++) {
      seen.set(checkId("prompt[" + i + "]", prompt[i]));
    }
    Map<Integer, Float> bias = options.logitBias();
    biasIds = bias.keySet().stream().mapToInt(id -> checkId("logitBias", id)).sorted().toArray();
    biases = new float[biasIds.length];
    for (int i = 0; i < biases.length; i++) {
      biases[i] = bias.get(biasIds[i]);
    }
    raises =
        options.repetitionPenalty() < 1
            || options.frequencyPenalty() < 0
            || options.presencePenalty() < 0
            || bias.values().stream().anyMatch(b -> b > 0);
  }

  /** Returns the seed in use: the one asked for, or the one drawn in its place. */
  public long seed() {
    return seed;
  }

  /**
   * Returns whether the best logits of a row are worth a try: no option raises a score, none needs
   * the probabilities of all tokens, and top-k leaves fewer than there are.
   *
   * @param count how many of the best there are
   */
  public boolean triesTop(int count) {
    if (raises || options.logprobs().isPresent()) {
      return false;
    }
    if (options.isGreedy()) {
      return true;
    }
    return cutsByTopK() ? options.topK() < count : options.topP() == 1 && options.minP() > 0;
  }

  /**
   * Chooses the next token from the best logits of a row and adds it to the answer, if they are
   * enough. They are not, and nothing has changed, if {@link #triesTop} is false, if what is left
   * out may matter, or if a logit is one that {@link #next(float[])} rejects.
   *
   * @return a token id, the same that {@link #next(float[])} chooses from all logits of the row; or
   *     {@link #NONE}
   */
  public int next(TopLogits best, int row) {
    if (!triesTop(best.count()) || !load(best, row)) {
      return NONE;
    }
    int place = choose();
    return place == OUTSIDE ? NONE : accept((int) (top[place] >> 32));
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
    int id = choose(); // also its place
    logprobs = options.logprobs().isPresent() ? Optional.of(report(logits, id)) : Optional.empty();
    return accept(id);
  }

  private int accept(int id) {
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
    if (logits.length != vocabulary) {
      throw new IllegalArgumentException(
          "sampler: logits has shape [" + logits.length + "], expected [" + vocabulary + "]");
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
    size = vocabulary;
    for (int id = seen.nextSetBit(0); id >= 0; id = seen.nextSetBit(id + 1)) {
      scores[id] = penalized(scores[id], id);
    }
    for (int id : biasIds) {
      if (!seen.get(id)) {
        scores[id] = penalized(scores[id], id);
      }
    }
  }

  /** Returns false if there is a logit in the row that all are rejected for. */
  private boolean load(TopLogits best, int row) {
    float first = best.value(row, 0); // a NaN or Infinity anywhere in the row comes first
    if (!(first < Float.POSITIVE_INFINITY) || first == Float.NEGATIVE_INFINITY) {
      return false;
    }
    size = best.count();
    rest = best.value(row, size - 1);
    if (top.length != size) {
      top = new long[size];
    }
    for (int rank = 0; rank < size; rank++) {
      long bits = Float.floatToRawIntBits(best.value(row, rank)) & 0xffffffffL;
      top[rank] = (long) best.id(row, rank) << 32 | bits;
    }
    Arrays.sort(top);
    for (int place = 0; place < size; place++) {
      float logit = Float.intBitsToFloat((int) top[place]);
      scores[place] = penalized(logit, (int) (top[place] >> 32));
    }
    return true;
  }

  /** Returns the score of a token after penalties and bias. */
  private double penalized(double logit, int id) {
    double score = logit;
    if (seen.get(id)) {
      double repetition = options.repetitionPenalty();
      score = score < 0 ? score * repetition : score / repetition;
    }
    int bias = Arrays.binarySearch(biasIds, id);
    if (bias >= 0) {
      score += biases[bias];
    }
    if (counts[id] > 0) {
      double frequency = options.frequencyPenalty();
      score -= counts[id] * frequency + options.presencePenalty();
    }
    return score;
  }

  private boolean cutsByTopK() {
    return options.topK() > 0 && options.topK() < vocabulary;
  }

  /** Returns whether a score is above all that are left out. */
  private boolean isAboveRest(double score) {
    return size == vocabulary || score > rest;
  }

  /** Returns the place of the chosen score, or {@link #OUTSIDE} if one that is left out matters. */
  private int choose() {
    int likeliest = likeliest();
    double best = scores[likeliest];
    if (options.isGreedy()) {
      return isAboveRest(best) ? likeliest : OUTSIDE;
    }
    return draw(best);
  }

  private int likeliest() {
    int best = 0;
    for (int place = 1; place < size; place++) {
      if (scores[place] > scores[best]) {
        best = place;
      }
    }
    return best;
  }

  private int draw(double best) {
    if (cutsByTopK()) {
      if (!isAboveRest(takeTopK())) {
        return OUTSIDE;
      }
      return drawRanked(weighCandidates(best));
    }
    if (size < vocabulary && weight(rest, best) >= options.minP()) {
      return OUTSIDE;
    }
    double sum = weighAll(best);
    if (options.topP() < 1) {
      // All tokens below this share of the mean lie in the tail that top-p cuts: together they
      // have less than 1 - p.
      double tail = (1 - (double) options.topP()) * sum / size;
      candidates.start(scores, size, tail);
      return drawRanked(sum);
    }
    return drawAny();
  }

  /** Draws from the tokens whose weight min-p keeps. */
  private int drawAny() {
    double total = 0;
    for (int place = 0; place < size; place++) {
      if (scores[place] < options.minP()) { // the best weight is 1
        scores[place] = 0;
      }
      total += scores[place];
    }
    double left = random.nextDouble() * total;
    int chosen = 0;
    for (int place = 0; place < size && left >= 0; place++) {
      if (scores[place] > 0) {
        chosen = place;
        left -= scores[place];
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

  /** Takes the best k tokens and all that equal the k-th, and returns the score of the k-th. */
  private double takeTopK() {
    int k = options.topK();
    double floor = Double.NEGATIVE_INFINITY;
    int part = size / 8;
    if (k <= part) { // the k-th best of a part is not better than the k-th best of all
      candidates.start(scores, part, floor);
      floor = candidates.best(k);
    }
    candidates.start(scores, size, floor);
    double last = candidates.best(k);
    candidates.start(scores, size, last);
    return last;
  }

  /** Turns the scores of the candidates into weights, and returns their sum. */
  private double weighCandidates(double best) {
    for (int i = 0; i < candidates.size(); i++) {
      int place = candidates.place(i);
      scores[place] = weight(scores[place], best);
    }
    return candidates.total();
  }

  /** Turns all scores into weights, and returns their sum. */
  private double weighAll(double best) {
    double sum = 0;
    for (int place = 0; place < size; place++) {
      scores[place] = weight(scores[place], best);
      sum += scores[place];
    }
    return sum;
  }

  /** Returns the probability of a token as a share of the best token's: 1 for the best. */
  private double weight(double score, double best) {
    return StrictMath.exp((score - best) / options.temperature());
  }

  private TokenLogprobs report(float[] logits, int id) {
    int[] top = topOf(logits, Math.min(options.logprobs().orElseThrow(), logits.length));
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
