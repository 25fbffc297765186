package dev.baichuan4j.springai;

import dev.baichuan4j.Constraint;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.tools.ToolChoice;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.DefaultToolCallingChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;

/**
 * Options of a chat. What is not set is as the publisher of the model advises. Immutable.
 *
 * <p>Beside those that all chat models have: {@code minP}, {@code repetitionPenalty}, {@code seed},
 * {@code toolChoice}, {@code parallelToolCalls}, and {@code generation} for everything else that
 * {@link GenerationOptions} has. An {@code outputSchema} binds the answer to JSON that is valid by
 * it.
 */
public final class BaichuanChatOptions extends DefaultToolCallingChatOptions
    implements StructuredOutputChatOptions {
  private final Double minP;
  private final Double repetitionPenalty;
  private final Long seed;
  private final String outputSchema;
  private final ToolChoice toolChoice;
  private final Boolean parallelToolCalls;
  private final UnaryOperator<GenerationOptions> generation;

  private BaichuanChatOptions(Builder builder) {
    super(
        builder.toolCallbacks(),
        builder.toolContext(),
        builder.model(),
        builder.frequencyPenalty(),
        builder.maxTokens(),
        builder.presencePenalty(),
        builder.stopSequences(),
        builder.temperature(),
        builder.topK(),
        builder.topP());
    this.minP = builder.minP;
    this.repetitionPenalty = builder.repetitionPenalty;
    this.seed = builder.seed;
    this.outputSchema = builder.outputSchema;
    this.toolChoice = builder.toolChoice;
    this.parallelToolCalls = builder.parallelToolCalls;
    this.generation = builder.generation;
  }

  /** Returns a builder of options of which none is set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the least probability of a token over that of the likeliest; null if not set. */
  public Double getMinP() {
    return minP;
  }

  /** Returns the penalty of tokens that were there before; null if not set. */
  public Double getRepetitionPenalty() {
    return repetitionPenalty;
  }

  /** Returns the seed of the draws; null if not set. */
  public Long getSeed() {
    return seed;
  }

  /** Returns the JSON Schema of the answer; null if not set. */
  @Override
  public String getOutputSchema() {
    return outputSchema;
  }

  /** Returns which tools must be called; null if not set, which leaves it to the model. */
  public ToolChoice getToolChoice() {
    return toolChoice;
  }

  /**
   * Returns whether an answer may have several calls of tools; null if not set, which allows it.
   */
  public Boolean getParallelToolCalls() {
    return parallelToolCalls;
  }

  /** Returns what is changed last; null if not set. */
  public UnaryOperator<GenerationOptions> getGeneration() {
    return generation;
  }

  @Override
  public Builder mutate() {
    Builder builder = new Builder();
    builder
        .model(getModel())
        .frequencyPenalty(getFrequencyPenalty())
        .maxTokens(getMaxTokens())
        .presencePenalty(getPresencePenalty())
        .stopSequences(getStopSequences())
        .temperature(getTemperature())
        .topK(getTopK())
        .topP(getTopP())
        .toolCallbacks(getToolCallbacks())
        .toolContext(getToolContext());
    return builder.takeOwn(this);
  }

  /**
   * Returns the options of the engine.
   *
   * @param advised those of the publisher, which hold where nothing is set
   * @throws dev.baichuan4j.InvalidRequestException if a value is out of its range
   */
  GenerationOptions over(GenerationOptions advised) {
    GenerationOptions options = advised;
    if (getTemperature() != null) {
      options =
          getTemperature() == 0
              ? options.withDoSample(false)
              : options.withDoSample(true).withTemperature(getTemperature().floatValue());
    }
    options = set(options, getTopK(), GenerationOptions::withTopK);
    options = set(options, real(getTopP()), GenerationOptions::withTopP);
    options = set(options, real(minP), GenerationOptions::withMinP);
    options = set(options, real(repetitionPenalty), GenerationOptions::withRepetitionPenalty);
    options = set(options, real(getFrequencyPenalty()), GenerationOptions::withFrequencyPenalty);
    options = set(options, real(getPresencePenalty()), GenerationOptions::withPresencePenalty);
    options = set(options, getMaxTokens(), GenerationOptions::withMaxNewTokens);
    options = set(options, seed, GenerationOptions::withSeed);
    if (getStopSequences() != null) {
      options = options.withStop(getStopSequences().toArray(String[]::new));
    }
    if (outputSchema != null) {
      options = options.withConstraint(Constraint.jsonSchemaOnOneLine(outputSchema));
    }
    return generation == null ? options : generation.apply(options);
  }

  private static Float real(Double value) {
    return value == null ? null : value.floatValue();
  }

  private static <T> GenerationOptions set(GenerationOptions options, T value, Change<T> change) {
    return value == null ? options : change.apply(options, value);
  }

  private interface Change<T> {
    GenerationOptions apply(GenerationOptions options, T value);
  }

  /** Builds options. A value of null unsets one. */
  public static final class Builder extends DefaultToolCallingChatOptions.Builder<Builder>
      implements StructuredOutputChatOptions.Builder<Builder> {
    private Double minP;
    private Double repetitionPenalty;
    private Long seed;
    private String outputSchema;
    private ToolChoice toolChoice;
    private Boolean parallelToolCalls;
    private UnaryOperator<GenerationOptions> generation;

    private Builder() {}

    /** Sets the least probability of a token over that of the likeliest, 0 to 1. */
    public Builder minP(Double minP) {
      this.minP = minP;
      return this;
    }

    /** Sets the penalty of tokens that were there before: above 0, of which 1 is none. */
    public Builder repetitionPenalty(Double repetitionPenalty) {
      this.repetitionPenalty = repetitionPenalty;
      return this;
    }

    /** Sets the seed of the draws. */
    public Builder seed(Long seed) {
      this.seed = seed;
      return this;
    }

    /**
     * Sets the JSON Schema that the answer is valid by; a keyword that cannot be enforced is
     * refused.
     */
    @Override
    public Builder outputSchema(String outputSchema) {
      this.outputSchema = outputSchema;
      return this;
    }

    /** Sets which tools must be called. */
    public Builder toolChoice(ToolChoice toolChoice) {
      this.toolChoice = toolChoice;
      return this;
    }

    /** Sets whether an answer may have several calls of tools. */
    public Builder parallelToolCalls(Boolean parallelToolCalls) {
      this.parallelToolCalls = parallelToolCalls;
      return this;
    }

    /** Sets what is changed last, of everything that the engine can be asked for. */
    public Builder generation(UnaryOperator<GenerationOptions> generation) {
      this.generation = generation;
      return this;
    }

    @Override
    public Builder combineWith(ChatOptions.Builder<?> other) {
      super.combineWith(other);
      if (other instanceof Builder same) {
        takeOwn(same.build());
      } else if (other.build() instanceof StructuredOutputChatOptions structured) {
        outputSchema = Optional.ofNullable(structured.getOutputSchema()).orElse(outputSchema);
      }
      return this;
    }

    /** Takes those of its own options that are set. */
    private Builder takeOwn(BaichuanChatOptions options) {
      minP = Optional.ofNullable(options.minP).orElse(minP);
      repetitionPenalty = Optional.ofNullable(options.repetitionPenalty).orElse(repetitionPenalty);
      seed = Optional.ofNullable(options.seed).orElse(seed);
      outputSchema = Optional.ofNullable(options.outputSchema).orElse(outputSchema);
      toolChoice = Optional.ofNullable(options.toolChoice).orElse(toolChoice);
      parallelToolCalls = Optional.ofNullable(options.parallelToolCalls).orElse(parallelToolCalls);
      generation = Optional.ofNullable(options.generation).orElse(generation);
      return this;
    }

    @Override
    public BaichuanChatOptions build() {
      return new BaichuanChatOptions(this);
    }

    // The fields of the builders above this one, which the constructor cannot name.

    private java.util.List<org.springframework.ai.tool.ToolCallback> toolCallbacks() {
      return toolCallbacks;
    }

    private java.util.Map<String, Object> toolContext() {
      return toolContext;
    }

    private String model() {
      return model;
    }

    private Double frequencyPenalty() {
      return frequencyPenalty;
    }

    private Integer maxTokens() {
      return maxTokens;
    }

    private Double presencePenalty() {
      return presencePenalty;
    }

    private java.util.List<String> stopSequences() {
      return stopSequences;
    }

    private Double temperature() {
      return temperature;
    }

    private Integer topK() {
      return topK;
    }

    private Double topP() {
      return topP;
    }
  }
}
