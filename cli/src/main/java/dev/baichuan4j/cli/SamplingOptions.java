package dev.baichuan4j.cli;

import dev.baichuan4j.GenerationOptions;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Options of sampling; what is not given stays as the checkpoint's generation_config.json says. */
final class SamplingOptions {
  @Spec(Target.MIXEE)
  private CommandSpec spec;

  @Option(names = "--greedy", description = "Always take the likeliest token.")
  private boolean greedy;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "This, --top-k, --top-p and --min-p draw instead of taking the likeliest.")
  private Float temperature;

  @Option(names = "--top-k", paramLabel = "K", description = "0 for all.")
  private Integer topK;

  @Option(names = "--top-p", paramLabel = "P")
  private Float topP;

  @Option(names = "--min-p", paramLabel = "P")
  private Float minP;

  @Option(names = "--repetition-penalty", paramLabel = "X")
  private Float repetitionPenalty;

  @Option(names = "--frequency-penalty", paramLabel = "X")
  private Float frequencyPenalty;

  @Option(names = "--presence-penalty", paramLabel = "X")
  private Float presencePenalty;

  @Option(names = "--seed", paramLabel = "N", description = "The same seed gives the same text.")
  private Long seed;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description =
          "Most tokens to write; so many are kept free in the context. Default: the model's own"
              + " limit, or what the prompt leaves.")
  private Integer maxNewTokens;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "End before this text; may be repeated.")
  private List<String> stop;

  @Option(
      names = "--logprobs",
      paramLabel = "N",
      description = "With --json: log-probability of each token and of the N likeliest.")
  private Integer logprobs;

  @Option(
      names = "--logit-bias",
      paramLabel = "ID=X",
      description = "Added to a token's logit; may be repeated.")
  private Map<Integer, Float> logitBias;

  @Option(
      names = "--draft",
      paramLabel = "N|off",
      description =
          "Most guesses of the next tokens that a step verifies; the text is the same. Default:"
              + " 15.")
  private String draft;

  /**
   * Refuses options that would change nothing.
   *
   * @param json whether the result is printed with all that is known of it
   */
  void requireEffect(boolean json) {
    if (logprobs != null && !json) {
      throw wrong("--logprobs has value " + logprobs + ", expected --json beside it");
    }
    if (greedy && (draws() || seed != null)) {
      throw wrong(
          "--greedy has --temperature, --top-k, --top-p, --min-p or --seed beside it, expected"
              + " none of them: it always takes the likeliest token");
    }
  }

  /** Whether an option is given that only drawing heeds. */
  private boolean draws() {
    return temperature != null || topK != null || topP != null || minP != null;
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  GenerationOptions apply(GenerationOptions s) {
    s = draws() ? s.withDoSample(true) : s;
    if (seed != null && !s.doSample()) {
      throw wrong(
          "--seed has value "
              + seed
              + ", expected --temperature or another option of drawing beside it: this checkpoint"
              + " takes the likeliest token");
    }
    s = temperature == null ? s : s.withTemperature(temperature);
    s = topK == null ? s : s.withTopK(topK);
    s = topP == null ? s : s.withTopP(topP);
    s = minP == null ? s : s.withMinP(minP);
    s = repetitionPenalty == null ? s : s.withRepetitionPenalty(repetitionPenalty);
    s = frequencyPenalty == null ? s : s.withFrequencyPenalty(frequencyPenalty);
    s = presencePenalty == null ? s : s.withPresencePenalty(presencePenalty);
    s = seed == null ? s : s.withSeed(seed);
    s = maxNewTokens == null ? s : s.withMaxNewTokens(maxNewTokens);
    s = stop == null ? s : s.withStop(stop.toArray(String[]::new));
    s = logprobs == null ? s : s.withLogprobs(logprobs);
    s = logitBias == null ? s : s.withLogitBias(logitBias);
    s = draft == null ? s : s.withDraftTokens(draftTokens());
    return greedy ? s.withDoSample(false) : s;
  }

  private int draftTokens() {
    if (draft.equals("off")) {
      return 0;
    }
    if (!draft.matches("\\d{1,9}")) {
      throw wrong("--draft has value " + draft + ", expected a number of tokens, or off");
    }
    return Integer.parseInt(draft);
  }
}
