package dev.baichuan4j.server;

import dev.baichuan4j.GenerationOptions;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** Options of sampling; what is not given stays as the checkpoint's generation_config.json says. */
final class SamplingOptions {
  @Option(names = "--greedy", description = "Always take the likeliest token.")
  private boolean greedy;

  @Option(names = "--temperature", paramLabel = "T")
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

  GenerationOptions apply(GenerationOptions s) {
    if (temperature != null) {
      s = s.withDoSample(true).withTemperature(temperature);
    }
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
    return greedy ? s.withDoSample(false) : s;
  }
}
