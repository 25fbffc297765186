package dev.baichuan4j.langchain4j;

import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.Dry;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Mirostat;
import dev.baichuan4j.Priority;
import dev.baichuan4j.PromptOverflow;
import dev.baichuan4j.TemplateVariables;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.Xtc;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Parameters of a chat request: those that LangChain4j has for every model, and those of {@link
 * GenerationOptions} that it has no name for. What is not set, and then is null here, is as {@link
 * dev.baichuan4j.Baichuan#defaultOptions()} of the model has it.
 *
 * <p>A temperature of 0 takes the likeliest token each time. Any other temperature, top-k, top-p,
 * min-p, typical-p, XTC and Mirostat have tokens drawn, also where the checkpoint advises to take
 * the likeliest. Values are checked when a request is made.
 */
public final class BaichuanChatRequestParameters extends DefaultChatRequestParameters {
  /** Nothing is set. */
  public static final BaichuanChatRequestParameters EMPTY = builder().build();

  private final Map<Setting<?>, Object> settings;

  private BaichuanChatRequestParameters(Builder builder) {
    super(builder);
    this.settings = Map.copyOf(builder.settings);
  }

  /**
   * Returns parameters of any kind as those of this class.
   *
   * @throws UnsupportedFeatureException if they are those of another provider, whose own parameters
   *     would be lost
   */
  static BaichuanChatRequestParameters of(ChatRequestParameters parameters) {
    return parameters instanceof BaichuanChatRequestParameters own
        ? own
        : builder().overrideWith(parameters).build();
  }

  /**
   * Returns the options that a checkpoint advises, changed by what is set here.
   *
   * @throws dev.baichuan4j.InvalidRequestException if a value is out of its range
   */
  GenerationOptions applyTo(GenerationOptions advised) {
    GenerationOptions options = advised;
    for (Setting<?> setting : Setting.all()) {
      options = setting.apply(options, settings);
    }
    if (topK() != null) {
      options = options.withTopK(topK());
    }
    if (topP() != null) {
      options = options.withTopP(topP().floatValue());
    }
    if (frequencyPenalty() != null) {
      options = options.withFrequencyPenalty(frequencyPenalty().floatValue());
    }
    if (presencePenalty() != null) {
      options = options.withPresencePenalty(presencePenalty().floatValue());
    }
    if (maxOutputTokens() != null) {
      options = options.withMaxNewTokens(maxOutputTokens());
    }
    if (!stopSequences().isEmpty()) {
      options = options.withStop(stopSequences().toArray(String[]::new));
    }
    if (temperature() != null) {
      options = options.withTemperature(temperature().floatValue());
    }
    boolean draws =
        temperature() != null
            || topK() != null
            || topP() != null
            || settings.keySet().stream().anyMatch(Setting::draws);
    return draws ? options.withDoSample(true) : options;
  }

  /** Returns {@link GenerationOptions#minP()}. */
  public Double minP() {
    return Setting.MIN_P.in(settings);
  }

  /** Returns {@link GenerationOptions#typicalP()}. */
  public Double typicalP() {
    return Setting.TYPICAL_P.in(settings);
  }

  /** Returns {@link GenerationOptions#xtc()}. */
  public Xtc xtc() {
    return Setting.XTC.in(settings);
  }

  /**
   * Returns {@link GenerationOptions#mirostat()}. It stands in place of the cuts that the
   * checkpoint advises; beside cuts that the request asks for it is refused.
   */
  public Mirostat mirostat() {
    return Setting.MIROSTAT.in(settings);
  }

  /** Returns {@link GenerationOptions#repetitionPenalty()}. */
  public Double repetitionPenalty() {
    return Setting.REPETITION_PENALTY.in(settings);
  }

  /** Returns {@link GenerationOptions#dry()}. */
  public Dry dry() {
    return Setting.DRY.in(settings);
  }

  /** Returns {@link GenerationOptions#logitBias()}, by token id. */
  public Map<Integer, Float> logitBias() {
    return Setting.LOGIT_BIAS.in(settings);
  }

  /** Returns {@link GenerationOptions#bannedWords()}. */
  public List<String> bannedWords() {
    return Setting.BANNED_WORDS.in(settings);
  }

  /** Returns {@link GenerationOptions#bannedTokens()}, token ids. */
  public Set<Integer> bannedTokens() {
    return Setting.BANNED_TOKENS.in(settings);
  }

  /** Returns {@link GenerationOptions#seed()}. */
  public Long seed() {
    return Setting.SEED.in(settings);
  }

  /** Returns {@link GenerationOptions#beamSearch()}, which stands in place of drawing. */
  public BeamSearch beamSearch() {
    return Setting.BEAM_SEARCH.in(settings);
  }

  /** Returns {@link GenerationOptions#bestOf()}: of so many texts the likeliest is the answer. */
  public Integer bestOf() {
    return Setting.BEST_OF.in(settings);
  }

  /** Returns {@link GenerationOptions#minNewTokens()}. */
  public Integer minOutputTokens() {
    return Setting.MIN_OUTPUT_TOKENS.in(settings);
  }

  /** Returns {@link GenerationOptions#ignoreEnd()}. */
  public Boolean ignoreEnd() {
    return Setting.IGNORE_END.in(settings);
  }

  /**
   * Returns {@link GenerationOptions#logprobs()}; the {@link TokenLogprobs} are in the result of
   * {@link BaichuanChatResponseMetadata}.
   */
  public Integer logprobs() {
    return Setting.LOGPROBS.in(settings);
  }

  /** Returns {@link GenerationOptions#promptOverflow()}. */
  public PromptOverflow promptOverflow() {
    return Setting.PROMPT_OVERFLOW.in(settings);
  }

  /** Returns {@link GenerationOptions#templateVariables()}. */
  public TemplateVariables templateVariables() {
    return Setting.TEMPLATE_VARIABLES.in(settings);
  }

  /** Returns the name that {@link GenerationOptions#adapter()} has. */
  public String adapter() {
    return Setting.ADAPTER.in(settings);
  }

  /** Returns {@link GenerationOptions#draftTokens()}. */
  public Integer draftTokens() {
    return Setting.DRAFT_TOKENS.in(settings);
  }

  /** Returns {@link GenerationOptions#caller()}. */
  public String caller() {
    return Setting.CALLER.in(settings);
  }

  /** Returns {@link GenerationOptions#priority()}. */
  public Priority priority() {
    return Setting.PRIORITY.in(settings);
  }

  /**
   * Returns the time from the request to its end; when it is over, the request fails with a {@link
   * dev.langchain4j.exception.TimeoutException}.
   */
  public Duration timeout() {
    return Setting.TIMEOUT.in(settings);
  }

  /**
   * Returns the language that the answer has to be in: a choice, a regular expression, a grammar.
   * It excludes tools and a JSON response format, which bind the answer as well.
   */
  public Constraint constraint() {
    return Setting.CONSTRAINT.in(settings);
  }

  /** Returns whether an answer may call several tools; it may where this is not set. */
  public Boolean parallelToolCalls() {
    return Setting.PARALLEL_TOOL_CALLS.in(settings);
  }

  /**
   * @throws UnsupportedFeatureException if the parameters are those of another provider
   */
  @Override
  public BaichuanChatRequestParameters overrideWith(ChatRequestParameters that) {
    return builder().overrideWith(this).overrideWith(that).build();
  }

  /**
   * @throws UnsupportedFeatureException if the parameters are those of another provider
   */
  @Override
  public BaichuanChatRequestParameters defaultedBy(ChatRequestParameters that) {
    return builder().overrideWith(that).overrideWith(this).build();
  }

  @Override
  public boolean equals(Object other) {
    return super.equals(other) && settings.equals(((BaichuanChatRequestParameters) other).settings);
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), settings);
  }

  /** Returns what is set, by name. */
  @Override
  public String toString() {
    Map<String, Object> own = new LinkedHashMap<>();
    for (Setting<?> setting : Setting.all()) {
      Object value = setting.in(settings);
      if (value != null) {
        own.put(setting.toString(), value);
      }
    }
    return "BaichuanChatRequestParameters{" + super.toString() + ", own=" + own + '}';
  }

  /** Returns a builder in which nothing is set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Sets parameters; each may be null, which is as if it had not been set. */
  public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
    private final Map<Setting<?>, Object> settings = new LinkedHashMap<>();

    private Builder() {}

    private <T> Builder set(Setting<T> setting, T value) {
      if (value == null) {
        settings.remove(setting);
      } else {
        settings.put(setting, value);
      }
      return this;
    }

    /**
     * Takes what is set in other parameters, and keeps what is not.
     *
     * @throws UnsupportedFeatureException if they are those of another provider, whose own
     *     parameters would be lost
     */
    @Override
    public Builder overrideWith(ChatRequestParameters parameters) {
      if (parameters instanceof BaichuanChatRequestParameters own) {
        settings.putAll(own.settings);
      } else if (parameters.getClass() != DefaultChatRequestParameters.class) {
        throw new UnsupportedFeatureException(
            parameters.getClass().getName()
                + " is not supported by Baichuan models, expected"
                + " BaichuanChatRequestParameters or those that all models have");
      }
      return super.overrideWith(parameters);
    }

    /** Sets {@link BaichuanChatRequestParameters#minP()}. */
    public Builder minP(Double minP) {
      return set(Setting.MIN_P, minP);
    }

    /** Sets {@link BaichuanChatRequestParameters#typicalP()}. */
    public Builder typicalP(Double typicalP) {
      return set(Setting.TYPICAL_P, typicalP);
    }

    /** Sets {@link BaichuanChatRequestParameters#xtc()}. */
    public Builder xtc(Xtc xtc) {
      return set(Setting.XTC, xtc);
    }

    /** Sets {@link BaichuanChatRequestParameters#mirostat()}. */
    public Builder mirostat(Mirostat mirostat) {
      return set(Setting.MIROSTAT, mirostat);
    }

    /** Sets {@link BaichuanChatRequestParameters#repetitionPenalty()}. */
    public Builder repetitionPenalty(Double repetitionPenalty) {
      return set(Setting.REPETITION_PENALTY, repetitionPenalty);
    }

    /** Sets {@link BaichuanChatRequestParameters#dry()}. */
    public Builder dry(Dry dry) {
      return set(Setting.DRY, dry);
    }

    /** Sets {@link BaichuanChatRequestParameters#logitBias()}. */
    public Builder logitBias(Map<Integer, Float> logitBias) {
      return set(Setting.LOGIT_BIAS, logitBias == null ? null : Map.copyOf(logitBias));
    }

    /** Sets {@link BaichuanChatRequestParameters#bannedWords()}. */
    public Builder bannedWords(List<String> bannedWords) {
      return set(Setting.BANNED_WORDS, bannedWords == null ? null : List.copyOf(bannedWords));
    }

    /** Sets {@link BaichuanChatRequestParameters#bannedTokens()}. */
    public Builder bannedTokens(Set<Integer> bannedTokens) {
      return set(Setting.BANNED_TOKENS, bannedTokens == null ? null : Set.copyOf(bannedTokens));
    }

    /** Sets {@link BaichuanChatRequestParameters#seed()}. */
    public Builder seed(Long seed) {
      return set(Setting.SEED, seed);
    }

    /** Sets {@link BaichuanChatRequestParameters#beamSearch()}. */
    public Builder beamSearch(BeamSearch beamSearch) {
      return set(Setting.BEAM_SEARCH, beamSearch);
    }

    /** Sets {@link BaichuanChatRequestParameters#bestOf()}. */
    public Builder bestOf(Integer bestOf) {
      return set(Setting.BEST_OF, bestOf);
    }

    /** Sets {@link BaichuanChatRequestParameters#minOutputTokens()}. */
    public Builder minOutputTokens(Integer minOutputTokens) {
      return set(Setting.MIN_OUTPUT_TOKENS, minOutputTokens);
    }

    /** Sets {@link BaichuanChatRequestParameters#ignoreEnd()}. */
    public Builder ignoreEnd(Boolean ignoreEnd) {
      return set(Setting.IGNORE_END, ignoreEnd);
    }

    /** Sets {@link BaichuanChatRequestParameters#logprobs()}. */
    public Builder logprobs(Integer logprobs) {
      return set(Setting.LOGPROBS, logprobs);
    }

    /** Sets {@link BaichuanChatRequestParameters#promptOverflow()}. */
    public Builder promptOverflow(PromptOverflow promptOverflow) {
      return set(Setting.PROMPT_OVERFLOW, promptOverflow);
    }

    /** Sets {@link BaichuanChatRequestParameters#templateVariables()}. */
    public Builder templateVariables(TemplateVariables templateVariables) {
      return set(Setting.TEMPLATE_VARIABLES, templateVariables);
    }

    /** Sets {@link BaichuanChatRequestParameters#adapter()}. */
    public Builder adapter(String adapter) {
      return set(Setting.ADAPTER, adapter);
    }

    /** Sets {@link BaichuanChatRequestParameters#draftTokens()}. */
    public Builder draftTokens(Integer draftTokens) {
      return set(Setting.DRAFT_TOKENS, draftTokens);
    }

    /** Sets {@link BaichuanChatRequestParameters#caller()}. */
    public Builder caller(String caller) {
      return set(Setting.CALLER, caller);
    }

    /** Sets {@link BaichuanChatRequestParameters#priority()}. */
    public Builder priority(Priority priority) {
      return set(Setting.PRIORITY, priority);
    }

    /** Sets {@link BaichuanChatRequestParameters#timeout()}. */
    public Builder timeout(Duration timeout) {
      return set(Setting.TIMEOUT, timeout);
    }

    /** Sets {@link BaichuanChatRequestParameters#constraint()}. */
    public Builder constraint(Constraint constraint) {
      return set(Setting.CONSTRAINT, constraint);
    }

    /** Sets {@link BaichuanChatRequestParameters#parallelToolCalls()}. */
    public Builder parallelToolCalls(Boolean parallelToolCalls) {
      return set(Setting.PARALLEL_TOOL_CALLS, parallelToolCalls);
    }

    @Override
    public BaichuanChatRequestParameters build() {
      return new BaichuanChatRequestParameters(this);
    }
  }
}
