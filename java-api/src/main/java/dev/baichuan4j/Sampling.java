package dev.baichuan4j;

import dev.baichuan4j.checkpoint.GenerationConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * How the next token is chosen. Immutable; start from {@link #defaults()} or {@link #greedy()} and
 * change what should differ: {@code Sampling.defaults().withTopK(5).withSeed(1)}.
 *
 * <p>The order is that of Hugging Face transformers: repetition penalty, bias, frequency and
 * presence penalty, temperature, top-k, top-p over what top-k left, min-p, and a draw from what is
 * left. Greedy choice applies the penalties and the bias, and nothing else.
 *
 * @param doSample whether to draw; if not, the likeliest token is taken each time
 * @param temperature divides the scores before drawing, at least 0; 0 is greedy
 * @param topK how many of the best tokens stay, with all that equal the last of them; 0 for all
 * @param topP the likeliest tokens stay until their probability reaches this, in (0, 1]
 * @param minP tokens stay whose probability is at least this share of the likeliest, in [0, 1]
 * @param repetitionPenalty divides the positive and multiplies the negative scores of tokens that
 *     are in the prompt or were generated, above 0; 1 for none (Keskar et al. 2019,
 *     arXiv:1909.05858)
 * @param frequencyPenalty is taken from a token's score once for each time it was generated, in
 *     [-2, 2]
 * @param presencePenalty is taken from the score of every token that was generated, in [-2, 2]
 * @param seed the same seed, options, prompt and logits give the same text; drawn anew where empty
 * @param maxNewTokens the most tokens to generate, at least 1; the model's own value where empty
 * @param stop generation ends before the first of these strings; none of them is empty
 * @param logprobs how many of the likeliest tokens to report with each token, 0 to 20; -1 for no
 *     report
 * @param logitBias what to add to a token's score, in [-100, 100], by token id
 */
public record Sampling(
    boolean doSample,
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    float frequencyPenalty,
    float presencePenalty,
    OptionalLong seed,
    OptionalInt maxNewTokens,
    List<String> stop,
    int logprobs,
    Map<Integer, Float> logitBias) {

  private static final int MAX_LOGPROBS = 20; // as the OpenAI API

  private static final Sampling DEFAULTS =
      new Sampling(
          true,
          1f,
          0,
          1f,
          0f,
          1f,
          0f,
          0f,
          OptionalLong.empty(),
          OptionalInt.empty(),
          List.of(),
          -1,
          Map.of());

  /**
   * Checks every value and copies the collections.
   *
   * @throws InvalidRequestException if a value is out of its range
   * @throws NullPointerException if an optional or a collection is null
   */
  public Sampling {
    Objects.requireNonNull(seed, "seed");
    require(
        temperature >= 0 && temperature < Float.POSITIVE_INFINITY,
        "temperature",
        temperature,
        "a finite number of at least 0");
    require(topK >= 0, "topK", topK, "at least 0");
    require(topP > 0 && topP <= 1, "topP", topP, "a number in (0, 1]");
    require(minP >= 0 && minP <= 1, "minP", minP, "a number in [0, 1]");
    require(
        repetitionPenalty > 0 && repetitionPenalty < Float.POSITIVE_INFINITY,
        "repetitionPenalty",
        repetitionPenalty,
        "a finite number above 0");
    require(
        Math.abs(frequencyPenalty) <= 2,
        "frequencyPenalty",
        frequencyPenalty,
        "a number in [-2, 2]");
    require(
        Math.abs(presencePenalty) <= 2, "presencePenalty", presencePenalty, "a number in [-2, 2]");
    int limit = maxNewTokens.orElse(1);
    require(limit >= 1, "maxNewTokens", limit, "at least 1");
    require(
        logprobs >= -1 && logprobs <= MAX_LOGPROBS,
        "logprobs",
        logprobs,
        "0 to " + MAX_LOGPROBS + ", or -1 for none");
    for (String text : stop) {
      require(text != null && !text.isEmpty(), "stop", stop, "strings that are not empty");
    }
    logitBias.forEach(
        (id, bias) -> {
          require(id != null && id >= 0, "logitBias", id, "token ids of at least 0");
          require(
              bias != null && Math.abs(bias) <= 100,
              "logitBias[" + id + "]",
              bias,
              "a number in [-100, 100]");
        });
    stop = List.copyOf(stop);
    logitBias = Map.copyOf(logitBias);
  }

  /**
   * Draws from the model's own distribution: temperature 1, nothing cut, no penalty. A loaded
   * model's own defaults come from its generation_config.json.
   */
  public static Sampling defaults() {
    return DEFAULTS;
  }

  /** Takes the likeliest token each time. */
  public static Sampling greedy() {
    return DEFAULTS.withDoSample(false);
  }

  /**
   * Returns what the publisher of a model advises. What the file does not say is as in Hugging Face
   * transformers 4.29: no sampling unless {@code do_sample} is true, top-k 50, everything else off.
   *
   * @throws InvalidRequestException if a number in it is too great or too small for a float
   */
  public static Sampling of(GenerationConfig config) {
    Sampling sampling =
        DEFAULTS
            .withDoSample(config.doSample().orElse(false))
            .withTemperature((float) config.temperature().orElse(1))
            .withTopK(config.topK().orElse(50))
            .withTopP((float) config.topP().orElse(1))
            .withRepetitionPenalty((float) config.repetitionPenalty().orElse(1));
    return sampling.with(draft -> draft.maxNewTokens = config.maxNewTokens());
  }

  /** Returns whether the likeliest token is taken each time: asked for, or the temperature is 0. */
  public boolean isGreedy() {
    return !doSample || temperature == 0;
  }

  /** Returns these options with another choice between drawing and taking the likeliest. */
  public Sampling withDoSample(boolean doSample) {
    return with(draft -> draft.doSample = doSample);
  }

  /**
   * Returns these options with another temperature.
   *
   * @throws InvalidRequestException if it is out of its range
   */
  public Sampling withTemperature(float temperature) {
    return with(draft -> draft.temperature = temperature);
  }

  /**
   * Returns these options with another top-k.
   *
   * @throws InvalidRequestException if it is out of its range
   */
  public Sampling withTopK(int topK) {
    return with(draft -> draft.topK = topK);
  }

  /**
   * Returns these options with another top-p.
   *
   * @throws InvalidRequestException if it is out of its range
   */
  public Sampling withTopP(float topP) {
    return with(draft -> draft.topP = topP);
  }

  /**
   * Returns these options with another min-p.
   *
   * @throws InvalidRequestException if it is out of its range
   */
  public Sampling withMinP(float minP) {
    return with(draft -> draft.minP = minP);
  }

  /**
   * Returns these options with another repetition penalty.
   *
   * @throws InvalidRequestException if it is out of its range
   */
  public Sampling withRepetitionPenalty(float repetitionPenalty) {
    return with(draft -> draft.repetitionPenalty = repetitionPenalty);
  }

  /**
   * Returns these options with another frequency penalty.
   *
   * @throws InvalidRequestException if it is out of its range
   */
  public Sampling withFrequencyPenalty(float frequencyPenalty) {
    return with(draft -> draft.frequencyPenalty = frequencyPenalty);
  }

  /**
   * Returns these options with another presence penalty.
   *
   * @throws InvalidRequestException if it is out of its range
   */
  public Sampling withPresencePenalty(float presencePenalty) {
    return with(draft -> draft.presencePenalty = presencePenalty);
  }

  /** Returns these options with a seed. */
  public Sampling withSeed(long seed) {
    return with(draft -> draft.seed = OptionalLong.of(seed));
  }

  /**
   * Returns these options with another limit of new tokens.
   *
   * @throws InvalidRequestException if it is out of its range
   */
  public Sampling withMaxNewTokens(int maxNewTokens) {
    return with(draft -> draft.maxNewTokens = OptionalInt.of(maxNewTokens));
  }

  /**
   * Returns these options with other stop strings.
   *
   * @throws InvalidRequestException if it is out of its range
   */
  public Sampling withStop(String... stop) {
    return with(draft -> draft.stop = Arrays.asList(stop));
  }

  /**
   * Returns these options with another number of reported tokens.
   *
   * @throws InvalidRequestException if it is out of its range
   */
  public Sampling withLogprobs(int logprobs) {
    return with(draft -> draft.logprobs = logprobs);
  }

  /**
   * Returns these options with other biases.
   *
   * @throws InvalidRequestException if it is out of its range
   */
  public Sampling withLogitBias(Map<Integer, Float> logitBias) {
    return with(draft -> draft.logitBias = logitBias);
  }

  private static void require(boolean holds, String parameter, Object found, String expected) {
    if (!holds) {
      throw new InvalidRequestException(parameter, found, expected);
    }
  }

  private Sampling with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return draft.finish();
  }

  /** The components while one of them changes. */
  private static final class Draft {
    boolean doSample;
    float temperature;
    int topK;
    float topP;
    float minP;
    float repetitionPenalty;
    float frequencyPenalty;
    float presencePenalty;
    OptionalLong seed;
    OptionalInt maxNewTokens;
    List<String> stop;
    int logprobs;
    Map<Integer, Float> logitBias;

    Draft(Sampling from) {
      doSample = from.doSample;
      temperature = from.temperature;
      topK = from.topK;
      topP = from.topP;
      minP = from.minP;
      repetitionPenalty = from.repetitionPenalty;
      frequencyPenalty = from.frequencyPenalty;
      presencePenalty = from.presencePenalty;
      seed = from.seed;
      maxNewTokens = from.maxNewTokens;
      stop = from.stop;
      logprobs = from.logprobs;
      logitBias = from.logitBias;
    }

    Sampling finish() {
      return new Sampling(
          doSample,
          temperature,
          topK,
          topP,
          minP,
          repetitionPenalty,
          frequencyPenalty,
          presencePenalty,
          seed,
          maxNewTokens,
          stop,
          logprobs,
          logitBias);
    }
  }
}
