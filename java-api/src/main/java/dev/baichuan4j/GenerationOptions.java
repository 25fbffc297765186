package dev.baichuan4j;

import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * What a generation is asked for: how each token is chosen, where the text ends, and what is
 * reported. Immutable and safe to share between threads. Start from {@link
 * Baichuan#defaultOptions()}, {@link #greedy()} or {@link #unmodified()} and change what should
 * differ: {@code model.defaultOptions().withTopK(5).withSeed(1)}.
 *
 * <p>The order of the choice is that of Hugging Face transformers: repetition penalty, bias,
 * frequency and presence penalty, temperature, top-k, top-p over what top-k left, min-p, and a draw
 * from what is left. A greedy choice applies the penalties and the bias, and nothing else.
 */
public final class GenerationOptions {
  private static final int MAX_LOGPROBS = 20; // as the OpenAI API
  private static final int MAX_DRAFT_TOKENS = 31;
  private static final GenerationOptions UNMODIFIED = new GenerationOptions(new Values());

  /** The values, each with its initial one. They change only before options hold them. */
  private static final class Values implements Cloneable {
    boolean doSample = true;
    float temperature = 1;
    int topK;
    float topP = 1;
    float minP;
    float repetitionPenalty = 1;
    float frequencyPenalty;
    float presencePenalty;
    OptionalLong seed = OptionalLong.empty();
    OptionalInt maxNewTokens = OptionalInt.empty();
    PromptOverflow promptOverflow = PromptOverflow.DROP_OLDEST_ROUNDS;
    List<String> stop = List.of();
    OptionalInt logprobs = OptionalInt.empty();
    Map<Integer, Float> logitBias = Map.of();
    int draftTokens = 15;
    String caller = "";
    Priority priority = Priority.NORMAL;
    Optional<Duration> timeout = Optional.empty();
    Optional<Constraint> constraint = Optional.empty();

    @Override
    public Values clone() {
      try {
        return (Values) super.clone();
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e); // it is Cloneable
      }
    }

    Map<String, Object> byName() {
      Map<String, Object> values = new LinkedHashMap<>();
      values.put("doSample", doSample);
      values.put("temperature", temperature);
      values.put("topK", topK);
      values.put("topP", topP);
      values.put("minP", minP);
      values.put("repetitionPenalty", repetitionPenalty);
      values.put("frequencyPenalty", frequencyPenalty);
      values.put("presencePenalty", presencePenalty);
      values.put("seed", seed);
      values.put("maxNewTokens", maxNewTokens);
      values.put("promptOverflow", promptOverflow);
      values.put("stop", stop);
      values.put("logprobs", logprobs);
      values.put("logitBias", logitBias);
      values.put("draftTokens", draftTokens);
      values.put("caller", caller);
      values.put("priority", priority);
      values.put("timeout", timeout);
      values.put("constraint", constraint);
      return values;
    }
  }

  private final Values values;

  private GenerationOptions(Values values) {
    this.values = values;
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

  /** Returns whether tokens are drawn; if not, the likeliest one is taken each time. */
  public boolean doSample() {
    return values.doSample;
  }

  /** Returns what divides the scores before drawing, at least 0; 0 is greedy. */
  public float temperature() {
    return values.temperature;
  }

  /**
   * Returns how many of the best tokens stay, with all that equal the last of them; 0 for all
   * tokens.
   */
  public int topK() {
    return values.topK;
  }

  /** Returns the probability, in (0, 1], up to which the likeliest tokens stay. */
  public float topP() {
    return values.topP;
  }

  /** Returns the share of the likeliest token's probability, in [0, 1], from which tokens stay. */
  public float minP() {
    return values.minP;
  }

  /**
   * Returns what divides the positive and multiplies the negative scores of tokens that are in the
   * prompt or were generated, above 0; 1 for no penalty (Keskar et al. 2019, arXiv:1909.05858).
   */
  public float repetitionPenalty() {
    return values.repetitionPenalty;
  }

  /** Returns what is taken from a token's score once for each time it was generated, in [-2, 2]. */
  public float frequencyPenalty() {
    return values.frequencyPenalty;
  }

  /** Returns what is taken from the score of every token that was generated, in [-2, 2]. */
  public float presencePenalty() {
    return values.presencePenalty;
  }

  /**
   * Returns the seed: the same seed, options, prompt and logits give the same text. Each generation
   * draws a seed of its own where this is empty.
   */
  public OptionalLong seed() {
    return values.seed;
  }

  /**
   * Returns the most tokens to generate, at least 1. That number of positions is then kept free for
   * the answer: a prompt that does not fit beside them is a {@link ContextOverflowException},
   * unless {@link #promptOverflow()} finds something to leave out. Where empty, the limit is {@link
   * ModelInfo#maxNewTokens()} or what the prompt leaves of the context, whichever is less.
   */
  public OptionalInt maxNewTokens() {
    return values.maxNewTokens;
  }

  /** Returns how a conversation that is too long for the context is treated. */
  public PromptOverflow promptOverflow() {
    return values.promptOverflow;
  }

  /** Returns the strings before the first of which the text ends; none of them is empty. */
  public List<String> stop() {
    return values.stop;
  }

  /**
   * Returns how many of the likeliest tokens are reported with each token, 0 to 20; nothing is
   * reported where empty.
   */
  public OptionalInt logprobs() {
    return values.logprobs;
  }

  /** Returns what is added to a token's score, in [-100, 100], by token id. */
  public Map<Integer, Float> logitBias() {
    return values.logitBias;
  }

  /**
   * Returns how many guesses of the next tokens a step may verify at most, in [0, 31]; 0 for none.
   * Guesses come from the prompt and the text so far, and from a draft model where one is loaded.
   * As many are verified as pay by what was measured of this model and this text. They change how
   * long a text takes and no token of it.
   */
  public int draftTokens() {
    return values.draftTokens;
  }

  /**
   * Returns whose request it is: callers whose requests wait get equal shares, however many each
   * has. Empty for one caller that nobody named.
   */
  public String caller() {
    return values.caller;
  }

  /** Returns how soon the request is due among those that wait. */
  public Priority priority() {
    return values.priority;
  }

  /**
   * Returns the time from the request to its end at the latest; then it ends with {@link
   * FinishReason#TIMEOUT} and what it has written. Empty for no limit.
   */
  public Optional<Duration> timeout() {
    return values.timeout;
  }

  /** Returns the language that the text has to be in; empty for any text. */
  public Optional<Constraint> constraint() {
    return values.constraint;
  }

  /** Returns whether the likeliest token is taken each time: asked for, or the temperature is 0. */
  public boolean isGreedy() {
    return !values.doSample || values.temperature == 0;
  }

  /** Returns these options with another choice between drawing and taking the likeliest. */
  public GenerationOptions withDoSample(boolean doSample) {
    return with(v -> v.doSample = doSample);
  }

  /**
   * Returns these options with another {@link #temperature()}.
   *
   * @throws InvalidRequestException if it is negative or not finite
   */
  public GenerationOptions withTemperature(float temperature) {
    require(
        temperature >= 0 && temperature < Float.POSITIVE_INFINITY,
        "temperature",
        temperature,
        "a finite number of at least 0");
    return with(v -> v.temperature = temperature);
  }

  /**
   * Returns these options with another {@link #topK()}.
   *
   * @throws InvalidRequestException if it is negative
   */
  public GenerationOptions withTopK(int topK) {
    require(topK >= 0, "topK", topK, "at least 0");
    return with(v -> v.topK = topK);
  }

  /**
   * Returns these options with another {@link #topP()}.
   *
   * @throws InvalidRequestException if it is not in (0, 1]
   */
  public GenerationOptions withTopP(float topP) {
    require(topP > 0 && topP <= 1, "topP", topP, "a number in (0, 1]");
    return with(v -> v.topP = topP);
  }

  /**
   * Returns these options with another {@link #minP()}.
   *
   * @throws InvalidRequestException if it is not in [0, 1]
   */
  public GenerationOptions withMinP(float minP) {
    require(minP >= 0 && minP <= 1, "minP", minP, "a number in [0, 1]");
    return with(v -> v.minP = minP);
  }

  /**
   * Returns these options with another {@link #repetitionPenalty()}.
   *
   * @throws InvalidRequestException if it is not above 0, or not finite
   */
  public GenerationOptions withRepetitionPenalty(float repetitionPenalty) {
    require(
        repetitionPenalty > 0 && repetitionPenalty < Float.POSITIVE_INFINITY,
        "repetitionPenalty",
        repetitionPenalty,
        "a finite number above 0");
    return with(v -> v.repetitionPenalty = repetitionPenalty);
  }

  /**
   * Returns these options with another {@link #frequencyPenalty()}.
   *
   * @throws InvalidRequestException if it is not in [-2, 2]
   */
  public GenerationOptions withFrequencyPenalty(float frequencyPenalty) {
    require(
        Math.abs(frequencyPenalty) <= 2,
        "frequencyPenalty",
        frequencyPenalty,
        "a number in [-2, 2]");
    return with(v -> v.frequencyPenalty = frequencyPenalty);
  }

  /**
   * Returns these options with another {@link #presencePenalty()}.
   *
   * @throws InvalidRequestException if it is not in [-2, 2]
   */
  public GenerationOptions withPresencePenalty(float presencePenalty) {
    require(
        Math.abs(presencePenalty) <= 2, "presencePenalty", presencePenalty, "a number in [-2, 2]");
    return with(v -> v.presencePenalty = presencePenalty);
  }

  /** Returns these options with a {@link #seed()}. */
  public GenerationOptions withSeed(long seed) {
    return with(v -> v.seed = OptionalLong.of(seed));
  }

  /**
   * Returns these options with a {@link #maxNewTokens()} of the caller's.
   *
   * @throws InvalidRequestException if it is below 1
   */
  public GenerationOptions withMaxNewTokens(int maxNewTokens) {
    require(maxNewTokens >= 1, "maxNewTokens", maxNewTokens, "at least 1");
    return with(v -> v.maxNewTokens = OptionalInt.of(maxNewTokens));
  }

  /** Returns these options with another {@link #promptOverflow()}. */
  public GenerationOptions withPromptOverflow(PromptOverflow promptOverflow) {
    Objects.requireNonNull(promptOverflow, "promptOverflow");
    return with(v -> v.promptOverflow = promptOverflow);
  }

  /**
   * Returns these options with other {@link #stop()} strings.
   *
   * @throws InvalidRequestException if one of them is empty or null
   */
  public GenerationOptions withStop(String... stop) {
    List<String> strings = Arrays.asList(Objects.requireNonNull(stop, "stop").clone());
    for (String text : strings) {
      require(text != null && !text.isEmpty(), "stop", strings, "strings that are not empty");
    }
    return with(v -> v.stop = List.copyOf(strings));
  }

  /**
   * Returns these options with a report of {@link #logprobs()}.
   *
   * @throws InvalidRequestException if it is not in [0, 20]
   */
  public GenerationOptions withLogprobs(int logprobs) {
    require(
        logprobs >= 0 && logprobs <= MAX_LOGPROBS, "logprobs", logprobs, "0 to " + MAX_LOGPROBS);
    return with(v -> v.logprobs = OptionalInt.of(logprobs));
  }

  /**
   * Returns these options with another {@link #logitBias()}.
   *
   * @throws InvalidRequestException if a token id is negative or a bias is not in [-100, 100]
   */
  public GenerationOptions withLogitBias(Map<Integer, Float> logitBias) {
    Objects.requireNonNull(logitBias, "logitBias");
    logitBias.forEach(
        (id, bias) -> {
          require(id != null && id >= 0, "logitBias", id, "token ids of at least 0");
          require(
              bias != null && Math.abs(bias) <= 100,
              "logitBias[" + id + "]",
              bias,
              "a number in [-100, 100]");
        });
    return with(v -> v.logitBias = Map.copyOf(logitBias));
  }

  /**
   * Returns these options with another {@link #draftTokens()}.
   *
   * @throws InvalidRequestException if it is not in [0, 31]
   */
  public GenerationOptions withDraftTokens(int draftTokens) {
    require(
        draftTokens >= 0 && draftTokens <= MAX_DRAFT_TOKENS,
        "draftTokens",
        draftTokens,
        "0 to " + MAX_DRAFT_TOKENS);
    return with(v -> v.draftTokens = draftTokens);
  }

  /** Returns these options with another {@link #caller()}. */
  public GenerationOptions withCaller(String caller) {
    Objects.requireNonNull(caller, "caller");
    return with(v -> v.caller = caller);
  }

  /** Returns these options with another {@link #priority()}. */
  public GenerationOptions withPriority(Priority priority) {
    Objects.requireNonNull(priority, "priority");
    return with(v -> v.priority = priority);
  }

  /**
   * Returns these options with a {@link #timeout()}.
   *
   * @throws InvalidRequestException if it is not above 0
   */
  public GenerationOptions withTimeout(Duration timeout) {
    Objects.requireNonNull(timeout, "timeout");
    require(!timeout.isNegative() && !timeout.isZero(), "timeout", timeout, "a time above 0");
    return with(v -> v.timeout = Optional.of(timeout));
  }

  /** Returns these options with a {@link #constraint()}. */
  public GenerationOptions withConstraint(Constraint constraint) {
    Objects.requireNonNull(constraint, "constraint");
    return with(v -> v.constraint = Optional.of(constraint));
  }

  private static void require(boolean holds, String parameter, Object found, String expected) {
    if (!holds) {
      throw new InvalidRequestException(parameter, found, expected);
    }
  }

  private GenerationOptions with(Consumer<Values> change) {
    Values changed = values.clone();
    change.accept(changed);
    return new GenerationOptions(changed);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GenerationOptions options
        && values.byName().equals(options.values.byName());
  }

  @Override
  public int hashCode() {
    return values.byName().hashCode();
  }

  /** Returns the values by name, for a log. */
  @Override
  public String toString() {
    return "GenerationOptions" + values.byName();
  }
}
