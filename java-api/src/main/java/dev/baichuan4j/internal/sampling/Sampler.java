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
 * presence penalty over the answer, DRY, bans, temperature, top-k with ties kept, top-p on what
 * top-k left, min-p, typical-p, XTC, softmax, one draw; or Mirostat in place of what follows the
 * temperature. Every draw takes one number of a generator that is fixed by the seed, with XTC two,
 * and exponentials are those of {@link StrictMath}, so the same logits and seed give the same
 * tokens on every platform.
 *
 * <p>With a {@link TokenMask} the same is done with the tokens that it allows, as if there were no
 * others; only reports are of the model's whole distribution.
 *
 * <p>The best logits of a row are often enough to choose from ({@link #wantsBest}), and the token
 * is then the same as from all of them, to the bit of every sum. The logits that are left out are
 * no greater than the least of those that are there, and the processors only lower them; so they
 * cannot matter once what decides is above that least one: the best score where the choice is
 * greedy, the k-th best where top-k cuts, what min-p asks for where it alone cuts. How many tokens
 * are penalized does not matter, only what is left of the best. Where they do matter, the token is
 * chosen from all logits. Where a mask allows fewer tokens than the best that are at hand, none is
 * left out.
 *
 * <p>A token costs O(n) of n logits, whatever is kept. Memory is allocated for what is returned
 * only.
 */
public final class Sampler implements TokenChooser {
  private final long seed;
  private final ScoreProcessor[] processors; // in the order in which they act
  private final Choice choice;
  private final AllowedTokens allowed;
  private final Scores scores;
  private final boolean reports;
  private final int reported; // likeliest tokens of a report
  private Optional<TokenLogprobs> logprobs = Optional.empty();

  /**
   * Creates the sampler of a generation.
   *
   * @param options how to choose
   * @param prompt token ids of the prompt; they count for the repetition penalty, DRY and banned
   *     words
   * @param tokens of the model
   * @param mask says which tokens may come next; null if all may
   * @throws InvalidRequestException as {@link #processors}
   */
  public Sampler(GenerationOptions options, int[] prompt, Tokens tokens, TokenMask mask) {
    this(options, processors(options, prompt, tokens), tokens.count(), mask);
  }

  /** Creates the sampler of a generation whose tokens have no text and do not end it. */
  public Sampler(GenerationOptions options, int[] prompt, int vocabulary) {
    this(options, prompt, vocabulary, null);
  }

  /** Creates such a sampler of which not every token may come next; see the other constructor. */
  public Sampler(GenerationOptions options, int[] prompt, int vocabulary, TokenMask mask) {
    this(options, prompt, new Tokens(vocabulary, List.of(), Optional.empty()), mask);
  }

  /** Creates a sampler with other processors than those that the options ask for. */
  Sampler(GenerationOptions options, List<ScoreProcessor> processors, int vocabulary) {
    this(options, processors, vocabulary, null);
  }

  Sampler(
      GenerationOptions options, List<ScoreProcessor> processors, int vocabulary, TokenMask mask) {
    this.seed = options.seed().orElseGet(() -> new SplittableRandom().nextLong());
    this.processors = processors.toArray(ScoreProcessor[]::new);
    this.choice = Choice.of(options, vocabulary, new SplitMix64(seed));
    this.allowed = new AllowedTokens(mask, vocabulary);
    this.scores = new Scores(vocabulary, mask != null);
    this.reports = options.logprobs().isPresent();
    this.reported = options.logprobs().orElse(0);
  }

  /**
   * Returns the processors that the options ask for, in the order in which they act.
   *
   * @throws InvalidRequestException if the prompt, the bias or the banned tokens have an id outside
   *     [0, V), or if words are banned or DRY has breakers where tokens have no text
   */
  public static List<ScoreProcessor> processors(
      GenerationOptions options, int[] prompt, Tokens tokens) {
    int vocabulary = tokens.count();
    for (int i = 0; i < prompt.length; i++) {
      requireToken("prompt[" + i + "]", prompt[i], vocabulary);
    }
    options.logitBias().keySet().forEach(id -> requireToken("logitBias", id, vocabulary));
    options.bannedTokens().forEach(id -> requireToken("bannedTokens", id, vocabulary));
    options.stopTokens().forEach(id -> requireToken("stopTokens", id, vocabulary));
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
    if (options.dry().multiplier() > 0) {
      requireText("dry.breakers", options.dry().breakers(), tokens);
      processors.add(new DryPenalty(options.dry(), prompt, tokens));
    }
    if (!options.bannedWords().isEmpty()) {
      requireText("bannedWords", options.bannedWords(), tokens);
      processors.add(new BannedWords(options.bannedWords(), prompt, tokens));
    }
    if (!options.bannedTokens().isEmpty()) {
      processors.add(new Ban.OfTokens(options.bannedTokens()));
    }
    if (options.ignoreEnd() || options.minNewTokens() > 0) {
      int least = options.ignoreEnd() ? Integer.MAX_VALUE : options.minNewTokens();
      processors.add(new Ban.OfEnd(tokens.endIds(), least));
    }
    return processors;
  }

  private static void requireText(String parameter, List<String> texts, Tokens tokens) {
    if (!texts.isEmpty() && !tokens.haveText()) {
      throw new InvalidRequestException(
          parameter, texts, "none, because this model has no tokenizer to find texts by");
    }
  }

  private static void requireToken(String parameter, int id, int vocabulary) {
    if (id < 0 || id >= vocabulary) {
      throw new InvalidRequestException(parameter, id, "a token id in [0, " + vocabulary + ")");
    }
  }

  /**
   * Returns the seed of one of several texts that continue a prompt.
   *
   * @param text its number; 0 has the seed itself
   */
  public static long seed(long seed, int text) {
    SplitMix64 seeds = new SplitMix64(seed);
    long of = seed;
    for (int i = 0; i < text; i++) {
      of = seeds.nextLong();
    }
    return of;
  }

  /** Returns the seed in use: the one asked for, or the one drawn in its place. */
  public long seed() {
    return seed;
  }

  @Override
  public long[] mask() {
    return allowed.words();
  }

  /**
   * Returns whether the best logits of a row are worth having: they are all that the mask allows,
   * or no processor may raise a score, the probabilities of all tokens are not needed, and top-k
   * leaves fewer than there are.
   */
  @Override
  public boolean wantsBest(int count) {
    return !reports && (allowed.count() < count || someMaySuffice(count));
  }

  private boolean someMaySuffice(int count) {
    if (!choice.bestMaySuffice(count)) {
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
   *     infinity, of the tokens that may come next
   */
  @Override
  public int next(LogitsRow row) {
    int id = Choice.OUTSIDE;
    if (bestMaySuffice(row)) {
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

  @Override
  public int[] forced() {
    return reports ? TokenMask.NONE : allowed.forced(); // a report needs the logits
  }

  @Override
  public void take(int id) {
    allowed.accept(id);
    for (ScoreProcessor processor : processors) {
      processor.accept(id);
    }
  }

  private boolean bestMaySuffice(LogitsRow row) {
    if (reports || row.bestCount() == 0) {
      return false;
    }
    return row.bestAreAllAllowed() || someMaySuffice(row.bestCount());
  }

  /** Returns a token, or {@link Choice#OUTSIDE} if the best logits are not enough. */
  private int chooseFromBest(LogitsRow row) {
    if (!Scores.areNumbers(row)) {
      return Choice.OUTSIDE;
    }
    if (processors.length == 0 && choice.takesLikeliest()) {
      return row.bestId(0); // of equal logits the lower token comes first there too
    }
    scores.takeBest(row);
    process();
    if (scores.isWhole()) { // all that a mask allows
      scores.requireOne();
    }
    int place = choice.choose(scores);
    return place == Choice.OUTSIDE ? Choice.OUTSIDE : scores.id(place);
  }

  private int chooseFromAll(float[] logits) {
    long[] mask = allowed.words();
    if (mask == null) {
      scores.takeAll(logits);
    } else {
      scores.takeAllowed(logits, mask);
    }
    process();
    scores.requireOne();
    return scores.id(choice.choose(scores));
  }

  private void process() {
    for (ScoreProcessor processor : processors) {
      processor.process(scores);
    }
    if (scores.isWhole() && allowed.words() != null) {
      requireOneLeft();
    }
  }

  /** The processors know nothing of the mask, and may have ruled out all that it allows. */
  private void requireOneLeft() {
    if (scores.get(scores.likeliest()) == Double.NEGATIVE_INFINITY) {
      throw new InvalidLogitsException(
          "sampler: tokens that may come next has "
              + allowed.count()
              + ", expected one that the options do not rule out");
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
