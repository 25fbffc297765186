package dev.baichuan4j;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What a generation is asked for: how each token is chosen, where the text ends, and what is
 * reported. Immutable and safe to share between threads. Start from {@link
 * Baichuan#defaultOptions()}, {@link #greedy()} or {@link #unmodified()} and change what should
 * differ: {@code model.defaultOptions().withTopK(5)}. A value outside the range that its accessor
 * names is an {@link InvalidRequestException}; so are options that exclude each other.
 *
 * <p>The order of the choice is that of Hugging Face transformers, with what it lacks where
 * llama.cpp has it: repetition penalty, bias, frequency and presence penalty, DRY, bans (words,
 * tokens, end markers), temperature, top-k, top-p over what top-k left, min-p, typical-p, XTC, and
 * a draw from what is left; or Mirostat after the temperature in place of all cuts. A greedy choice
 * and a beam search apply the penalties, the bias and the bans, and nothing else.
 */
public final class GenerationOptions {
  private static final GenerationOptions UNMODIFIED = new GenerationOptions(Map.of());

  private final Map<Option<?>, Object> values; // those that are not initial

  private GenerationOptions(Map<Option<?>, Object> values) {
    this.values = values;
  }

  @SuppressWarnings("unchecked") // the only writer is with(), which takes a T
  private <T> T get(Option<T> option) {
    return (T) values.getOrDefault(option, option.initial());
  }

  private <T> GenerationOptions with(Option<T> option, T value) {
    option.check(Objects.requireNonNull(value, option.toString()));
    Map<Option<?>, Object> changed = new LinkedHashMap<>(values);
    if (value.equals(option.initial())) {
      changed.remove(option);
    } else {
      changed.put(option, value);
    }
    return new GenerationOptions(changed);
  }

  /**
   * Returns options that draw from the model's own distribution: temperature 1, nothing cut, no
   * penalty. What the publisher of a model advises is {@link Baichuan#defaultOptions()}.
   */
  public static GenerationOptions unmodified() {
    return UNMODIFIED;
  }

  /** Returns options that take the likeliest token each time, with nothing else changed. */
  public static GenerationOptions greedy() {
    return UNMODIFIED.withDoSample(false);
  }

  /** Returns whether the likeliest token is taken each time: asked for, or the temperature is 0. */
  public boolean isGreedy() {
    return !doSample() || temperature() == 0;
  }

  /** Returns whether tokens are drawn; if not, the likeliest one is taken each time. */
  public boolean doSample() {
    return get(Option.DO_SAMPLE);
  }

  /** Returns these options with another choice between drawing and taking the likeliest. */
  public GenerationOptions withDoSample(boolean doSample) {
    return with(Option.DO_SAMPLE, doSample);
  }

  /** Returns what divides the scores before drawing, at least 0; 0 is greedy. */
  public float temperature() {
    return get(Option.TEMPERATURE);
  }

  /** Returns these options with another {@link #temperature()}. */
  public GenerationOptions withTemperature(float temperature) {
    return with(Option.TEMPERATURE, temperature);
  }

  /**
   * Returns how many of the best tokens stay, at least 1, with all that equal the last of them; 0
   * for all tokens.
   */
  public int topK() {
    return get(Option.TOP_K);
  }

  /** Returns these options with another {@link #topK()}. */
  public GenerationOptions withTopK(int topK) {
    return with(Option.TOP_K, topK);
  }

  /** Returns the probability, in (0, 1], up to which the likeliest tokens stay. */
  public float topP() {
    return get(Option.TOP_P);
  }

  /** Returns these options with another {@link #topP()}. */
  public GenerationOptions withTopP(float topP) {
    return with(Option.TOP_P, topP);
  }

  /** Returns the share of the likeliest token's probability, in [0, 1], from which tokens stay. */
  public float minP() {
    return get(Option.MIN_P);
  }

  /** Returns these options with another {@link #minP()}. */
  public GenerationOptions withMinP(float minP) {
    return with(Option.MIN_P, minP);
  }

  /**
   * Returns the probability, in (0, 1], up to which the most typical tokens stay; 1 for all. Those
   * are most typical whose surprise -log p is nearest to its mean, the entropy of the distribution
   * (Meister et al. 2022, arXiv:2202.00666).
   */
  public float typicalP() {
    return get(Option.TYPICAL_P);
  }

  /** Returns these options with another {@link #typicalP()}. */
  public GenerationOptions withTypicalP(float typicalP) {
    return with(Option.TYPICAL_P, typicalP);
  }

  /** Returns when top choices are left out. */
  public Xtc xtc() {
    return get(Option.XTC);
  }

  /** Returns these options with another {@link #xtc()}. */
  public GenerationOptions withXtc(Xtc xtc) {
    return with(Option.XTC, xtc);
  }

  /** Returns how the surprise of the text is kept at a target. */
  public Mirostat mirostat() {
    return get(Option.MIROSTAT);
  }

  /** Returns these options with another {@link #mirostat()}. */
  public GenerationOptions withMirostat(Mirostat mirostat) {
    return with(Option.MIROSTAT, mirostat);
  }

  /**
   * Returns what divides the positive and multiplies the negative scores of tokens that are in the
   * prompt or were generated, above 0; 1 for no penalty (Keskar et al. 2019, arXiv:1909.05858).
   */
  public float repetitionPenalty() {
    return get(Option.REPETITION_PENALTY);
  }

  /** Returns these options with another {@link #repetitionPenalty()}. */
  public GenerationOptions withRepetitionPenalty(float repetitionPenalty) {
    return with(Option.REPETITION_PENALTY, repetitionPenalty);
  }

  /** Returns the penalty for prolonging a repetition. */
  public Dry dry() {
    return get(Option.DRY);
  }

  /** Returns these options with another {@link #dry()}. */
  public GenerationOptions withDry(Dry dry) {
    return with(Option.DRY, dry);
  }

  /** Returns what is taken from a token's score once for each time it was generated, in [-2, 2]. */
  public float frequencyPenalty() {
    return get(Option.FREQUENCY_PENALTY);
  }

  /** Returns these options with another {@link #frequencyPenalty()}. */
  public GenerationOptions withFrequencyPenalty(float frequencyPenalty) {
    return with(Option.FREQUENCY_PENALTY, frequencyPenalty);
  }

  /** Returns what is taken from the score of every token that was generated, in [-2, 2]. */
  public float presencePenalty() {
    return get(Option.PRESENCE_PENALTY);
  }

  /** Returns these options with another {@link #presencePenalty()}. */
  public GenerationOptions withPresencePenalty(float presencePenalty) {
    return with(Option.PRESENCE_PENALTY, presencePenalty);
  }

  /** Returns what is added to a token's score, in [-100, 100], by token id of at least 0. */
  public Map<Integer, Float> logitBias() {
    return get(Option.LOGIT_BIAS);
  }

  /** Returns these options with another {@link #logitBias()}. */
  public GenerationOptions withLogitBias(Map<Integer, Float> logitBias) {
    Objects.requireNonNull(logitBias, "logitBias");
    Option.requireBias(logitBias);
    return with(Option.LOGIT_BIAS, Map.copyOf(logitBias));
  }

  /**
   * Returns strings, none of them empty, that are never written: a token is impossible that would
   * complete one of them, with whatever tokens it began, those of the prompt included. Upper and
   * lower case differ.
   */
  public List<String> bannedWords() {
    return get(Option.BANNED_WORDS);
  }

  /** Returns these options with another {@link #bannedWords()}. */
  public GenerationOptions withBannedWords(String... bannedWords) {
    Objects.requireNonNull(bannedWords, "bannedWords");
    return with(Option.BANNED_WORDS, Option.texts(bannedWords));
  }

  /** Returns the ids, of at least 0, of tokens that are never chosen. */
  public Set<Integer> bannedTokens() {
    return get(Option.BANNED_TOKENS);
  }

  /** Returns these options with another {@link #bannedTokens()}. */
  public GenerationOptions withBannedTokens(int... bannedTokens) {
    Objects.requireNonNull(bannedTokens, "bannedTokens");
    return with(Option.BANNED_TOKENS, Option.ids(bannedTokens));
  }

  /**
   * Returns the seed: the same seed, options, prompt and logits give the same text. Each generation
   * draws a seed of its own where this is empty. Of several texts of one prompt the first has this
   * seed, and text i after it the i-th number that the generator splitmix64 of this seed gives.
   */
  public OptionalLong seed() {
    return get(Option.SEED);
  }

  /** Returns these options with a {@link #seed()}. */
  public GenerationOptions withSeed(long seed) {
    return with(Option.SEED, OptionalLong.of(seed));
  }

  /** Returns the beam search in place of drawing. */
  public BeamSearch beamSearch() {
    return get(Option.BEAM_SEARCH);
  }

  /** Returns these options with another {@link #beamSearch()}. */
  public GenerationOptions withBeamSearch(BeamSearch beamSearch) {
    return with(Option.BEAM_SEARCH, beamSearch);
  }

  /**
   * Returns the most tokens to generate, at least 1. That number of positions is then kept free for
   * the answer: a prompt that does not fit beside them is a {@link ContextOverflowException},
   * unless {@link #promptOverflow()} finds something to leave out. Where empty, the limit is {@link
   * ModelInfo#maxNewTokens()} or what the prompt leaves of the context, whichever is less.
   */
  public OptionalInt maxNewTokens() {
    return get(Option.MAX_NEW_TOKENS);
  }

  /** Returns these options with a {@link #maxNewTokens()} of the caller's. */
  public GenerationOptions withMaxNewTokens(int maxNewTokens) {
    return with(Option.MAX_NEW_TOKENS, OptionalInt.of(maxNewTokens));
  }

  /**
   * Returns the number of tokens, at least 0, before which the model cannot end its text; a stop
   * string or token still can.
   */
  public int minNewTokens() {
    return get(Option.MIN_NEW_TOKENS);
  }

  /** Returns these options with another {@link #minNewTokens()}. */
  public GenerationOptions withMinNewTokens(int minNewTokens) {
    return with(Option.MIN_NEW_TOKENS, minNewTokens);
  }

  /**
   * Returns whether the model can never end its text: end markers are impossible, and the text ends
   * at a stop string or token or at the limit of tokens.
   */
  public boolean ignoreEnd() {
    return get(Option.IGNORE_END);
  }

  /** Returns these options with another {@link #ignoreEnd()}. */
  public GenerationOptions withIgnoreEnd(boolean ignoreEnd) {
    return with(Option.IGNORE_END, ignoreEnd);
  }

  /** Returns the strings before the first of which the text ends; none of them is empty. */
  public List<String> stop() {
    return get(Option.STOP);
  }

  /** Returns these options with other {@link #stop()} strings. */
  public GenerationOptions withStop(String... stop) {
    Objects.requireNonNull(stop, "stop");
    return with(Option.STOP, Option.texts(stop));
  }

  /**
   * Returns the ids, of at least 0, of tokens after which the text ends; it has what they write.
   */
  public Set<Integer> stopTokens() {
    return get(Option.STOP_TOKENS);
  }

  /** Returns these options with other {@link #stopTokens()}. */
  public GenerationOptions withStopTokens(int... stopTokens) {
    Objects.requireNonNull(stopTokens, "stopTokens");
    return with(Option.STOP_TOKENS, Option.ids(stopTokens));
  }

  /** Returns how many texts are written of one prompt, 1 to 128; {@link Generation#choices()}. */
  public int choices() {
    return get(Option.CHOICES);
  }

  /** Returns these options with another {@link #choices()}. */
  public GenerationOptions withChoices(int choices) {
    return with(Option.CHOICES, choices);
  }

  /**
   * Returns how many texts are written of which the best {@link #choices()} are kept, 1 to 128:
   * those of the highest mean log-probability of their tokens, best first. They are known at the
   * end alone: a stream gives nothing before. Where empty, all are kept.
   */
  public OptionalInt bestOf() {
    return get(Option.BEST_OF);
  }

  /** Returns these options with another {@link #bestOf()}. */
  public GenerationOptions withBestOf(int bestOf) {
    return with(Option.BEST_OF, OptionalInt.of(bestOf));
  }

  /**
   * Returns whether the text begins with the prompt, and {@link GenerationResult#promptLogprobs()}
   * has its tokens where {@link #logprobs()} are asked for. For {@code complete} alone.
   */
  public boolean echo() {
    return get(Option.ECHO);
  }

  /** Returns these options with another {@link #echo()}. */
  public GenerationOptions withEcho(boolean echo) {
    return with(Option.ECHO, echo);
  }

  /**
   * Returns how many of the likeliest tokens are reported with each token, 0 to 20; nothing is
   * reported where empty.
   */
  public OptionalInt logprobs() {
    return get(Option.LOGPROBS);
  }

  /** Returns these options with a report of {@link #logprobs()}. */
  public GenerationOptions withLogprobs(int logprobs) {
    return with(Option.LOGPROBS, OptionalInt.of(logprobs));
  }

  /** Returns how a conversation that is too long for the context is treated. */
  public PromptOverflow promptOverflow() {
    return get(Option.PROMPT_OVERFLOW);
  }

  /** Returns these options with another {@link #promptOverflow()}. */
  public GenerationOptions withPromptOverflow(PromptOverflow promptOverflow) {
    return with(Option.PROMPT_OVERFLOW, promptOverflow);
  }

  /** Returns what the chat template of a model is given besides the conversation. */
  public TemplateVariables templateVariables() {
    return get(Option.TEMPLATE_VARIABLES);
  }

  /** Returns these options with other {@link #templateVariables()}. */
  public GenerationOptions withTemplateVariables(TemplateVariables templateVariables) {
    return with(Option.TEMPLATE_VARIABLES, templateVariables);
  }

  /**
   * Returns how many guesses of the next tokens a step may verify at most, in [0, 31]; 0 for none.
   * Guesses come from the prompt and the text so far, and from a draft model. As many are verified
   * as pay by what was measured of this text. They change its time and no token of it.
   */
  public int draftTokens() {
    return get(Option.DRAFT_TOKENS);
  }

  /** Returns these options with another {@link #draftTokens()}. */
  public GenerationOptions withDraftTokens(int draftTokens) {
    return with(Option.DRAFT_TOKENS, draftTokens);
  }

  /**
   * Returns whose request it is: callers whose requests wait get equal shares, however many each
   * has. Empty for one caller that nobody named.
   */
  public String caller() {
    return get(Option.CALLER);
  }

  /** Returns these options with another {@link #caller()}. */
  public GenerationOptions withCaller(String caller) {
    return with(Option.CALLER, caller);
  }

  /**
   * Returns what separates the cache: a generation takes over only what those with the same salt
   * have computed of the beginning of its prompt, so that nobody learns from the time of an answer
   * what others have asked. Empty for what all those without a salt share.
   */
  public String cacheSalt() {
    return get(Option.CACHE_SALT);
  }

  /** Returns these options with another {@link #cacheSalt()}. */
  public GenerationOptions withCacheSalt(String cacheSalt) {
    return with(Option.CACHE_SALT, cacheSalt);
  }

  /** Returns how soon the request is due among those that wait. */
  public Priority priority() {
    return get(Option.PRIORITY);
  }

  /** Returns these options with another {@link #priority()}. */
  public GenerationOptions withPriority(Priority priority) {
    return with(Option.PRIORITY, priority);
  }

  /**
   * Returns the time, above 0, from the request to its end at the latest; then it ends with {@link
   * FinishReason#TIMEOUT} and what it has written. Empty for no limit.
   */
  public Optional<Duration> timeout() {
    return get(Option.TIMEOUT);
  }

  /** Returns these options with a {@link #timeout()}. */
  public GenerationOptions withTimeout(Duration timeout) {
    Objects.requireNonNull(timeout, "timeout");
    return with(Option.TIMEOUT, Optional.of(timeout));
  }

  /** Returns the adapter that {@link Baichuan#loadAdapter} has loaded, by name; empty for none. */
  public Optional<String> adapter() {
    return get(Option.ADAPTER);
  }

  /** Returns these options with an {@link #adapter()}. */
  public GenerationOptions withAdapter(String adapter) {
    Objects.requireNonNull(adapter, "adapter");
    return with(Option.ADAPTER, Optional.of(adapter));
  }

  /** Returns the language that the text has to be in; empty for any text. */
  public Optional<Constraint> constraint() {
    return get(Option.CONSTRAINT);
  }

  /** Returns these options with a {@link #constraint()}. */
  public GenerationOptions withConstraint(Constraint constraint) {
    Objects.requireNonNull(constraint, "constraint");
    return with(Option.CONSTRAINT, Optional.of(constraint));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GenerationOptions options && values.equals(options.values);
  }

  @Override
  public int hashCode() {
    return values.hashCode();
  }

  /** Returns what differs from {@link #unmodified()}, by name, for a log. */
  @Override
  public String toString() {
    return "GenerationOptions" + values;
  }
}
