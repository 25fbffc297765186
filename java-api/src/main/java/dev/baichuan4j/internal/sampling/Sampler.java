package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidLogitsException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.TokenLogprobs;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Chooses the tokens of one generation as its options say: the logits of a row become scores, the
 * processors change them one after the other, and a choice picks one. It is used by one thread at a
 * time.
 *
 * <p>Scores are computed in double from the f32 logits, in the order of Hugging Face transformers
 * 4.29: repetition penalty over every distinct token of prompt and answer, bias, frequency and
 * presence penalty over the answer, temperature, top-k with ties kept, top-p on what top-k left,
 * min-p, softmax, one draw. Every draw takes one number of a generator that is fixed by the seed,
 * and exponentials are those of {@link StrictMath}, so the same logits and seed give the same
 * tokens on every platform.
 *
 * <p>The best logits of a row are often enough to choose from ({@link #wantsBest}), and the token
 * is then the same as from all of them, to the bit of every sum. The logits that are left out are
 * no greater than the least of those that are there, and the processors only lower them; so they
 * cannot matter once what decides is above that least one: the best score where the choice is
 * greedy, the k-th best where top-k cuts, what min-p asks for where it alone cuts. How many tokens
 * are penalized does not matter, only what is left of the best. Where they do matter, the token is
 * chosen from all logits.
 *
 * <p>A token costs O(n) of n logits, whatever is kept. Memory is allocated for what is returned
 * only.
 */
public final class Sampler implements TokenChooser {
  private final long seed;
  private final ScoreProcessor[] processors; // in the order in which they act
  private final Choice choice;
  private final TokenMask mask; // null: every token may come
  private final Scores scores;
  private final boolean reports;
  private final int reported; // likeliest tokens of a report
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
    this(options, prompt, vocabulary, null);
  }

  /**
   * Creates the sampler of a generation of which not every token may come next.
   *
   * @param mask says which may; null if all may
   */
  public Sampler(GenerationOptions options, int[] prompt, int vocabulary, TokenMask mask) {
    this(
        options,
        masked(processors(options, prompt, vocabulary), mask, vocabulary),
        vocabulary,
        mask);
  }

  private static List<ScoreProcessor> masked(
      List<ScoreProcessor> processors, TokenMask mask, int vocabulary) {
    if (mask != null) {
      processors.add(new MaskProcessor(mask, vocabulary));
    }
    return processors;
  }

  @Override
  public int[] forced() {
    return mask == null || reports ? TokenMask.NONE : mask.forced(); // a report needs the logits
  }

  @Override
  public void take(int id) {
    for (ScoreProcessor processor : processors) {
      processor.accept(id);
    }
  }

  /** Creates a sampler with other processors than those that the options ask for. */
  Sampler(GenerationOptions options, List<ScoreProcessor> processors, int vocabulary) {
    this(options, processors, vocabulary, null);
  }

  private Sampler(
      GenerationOptions options, List<ScoreProcessor> processors, int vocabulary, TokenMask mask) {
    this.mask = mask;
    this.seed = options.seed().orElseGet(() -> new SplittableRandom().nextLong());
    this.processors = processors.toArray(ScoreProcessor[]::new);
    this.choice = Choice.of(options, vocabulary, new SplitMix64(seed));
    this.scores = new Scores(vocabulary);
    this.reports = options.logprobs().isPresent();
    this.reported = options.logprobs().orElse(0);
  }

  /** Returns the processors that the options ask for, in the order in which they act. */
  static List<ScoreProcessor> processors(GenerationOptions options, int[] prompt, int vocabulary) {
    for (int i = 0; i < prompt.length; i++) {
      requireToken("prompt[" + i + "]", prompt[i], vocabulary);
    }
    options.logitBias().keySet().forEach(id -> requireToken("logitBias", id, vocabulary));
    List<ScoreProcessor> processors = new ArrayList<>();
    if (options.repetitionPenalty() != 1) {
      processors.add(new RepetitionPenalty(options.repetitionPenalty(), prompt, vocabulary));
    }
    if (!options.logitBias().isEmpty()) {
      processors.add(new LogitBias(options.logitBias()));
    }
    if (options.frequencyPenalty() != 0 || options.presencePenalty() != 0) {
      processors.add(
          new FrequencyPenalty(options.frequencyPenalty(), options.presencePenalty(), vocabulary));
    }
    return processors;
  }

  private static void requireToken(String parameter, int id, int vocabulary) {
    if (id < 0 || id >= vocabulary) {
      throw new InvalidRequestException(parameter, id, "a token id in [0, " + vocabulary + ")");
    }
  }

  /** Returns the seed in use: the one asked for, or the one drawn in its place. */
  public long seed() {
    return seed;
  }

  /**
   * Returns whether the best logits of a row are worth having: no processor may raise a score, the
   * probabilities of all tokens are not needed, and top-k leaves fewer than there are.
   */
  @Override
  public boolean wantsBest(int count) {
    if (reports || !choice.bestMaySuffice(count)) {
      return false;
    }
    for (ScoreProcessor processor : processors) {
      if (!processor.bestMaySuffice()) {
        return false;
      }
    }
    return true;
  }

  /**
   * Chooses the next token and adds it to the answer.
   *
   * @throws IllegalArgumentException if the row's logits are not V in number
   * @throws InvalidLogitsException if a logit is NaN or positive infinity, or all are negative
   *     infinity
   */
  @Override
  public int next(LogitsRow row) {
    int id = Choice.OUTSIDE;
    if (row.bestCount() > 0 && wantsBest(row.bestCount())) {
      id = chooseFromBest(row);
    }
    if (id == Choice.OUTSIDE) {
      id = chooseFromAll(row.all());
    }
    take(id);
    if (reports) {
      logprobs = Optional.of(Logprobs.of(row.all(), id, reported));
    }
    return id;
  }

  /** Returns a token, or {@link Choice#OUTSIDE} if the best logits are not enough. */
  private int chooseFromBest(LogitsRow row) {
    if (!scores.takeBest(row)) {
      return Choice.OUTSIDE;
    }
    process();
    int place = choice.choose(scores);
    return place == Choice.OUTSIDE ? Choice.OUTSIDE : scores.id(place);
  }

  private int chooseFromAll(float[] logits) {
    scores.takeAll(logits);
    process();
    return scores.id(choice.choose(scores));
  }

  private void process() {
    for (ScoreProcessor processor : processors) {
      processor.process(scores);
    }
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
}
