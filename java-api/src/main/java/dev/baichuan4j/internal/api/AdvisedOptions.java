package dev.baichuan4j.internal.api;

import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.checkpoint.GenerationConfig;
import java.util.List;
import java.util.Optional;

/** The options that the publisher of a model advises in generation_config.json. */
final class AdvisedOptions {
  private AdvisedOptions() {}

  /**
   * What the file does not say is as in Hugging Face transformers 4.29: no sampling unless {@code
   * do_sample} is true, top-k 50, everything else off. {@code max_new_tokens} is not among them: it
   * is {@code ModelInfo.maxNewTokens()}.
   *
   * @throws dev.baichuan4j.InvalidRequestException if a number in it is too great or too small for
   *     a float
   */
  static GenerationOptions of(GenerationConfig config) {
    return GenerationOptions.unmodified()
        .withDoSample(config.doSample().orElse(false))
        .withTemperature((float) config.temperature().orElse(1))
        .withTopK(config.topK().orElse(50))
        .withTopP((float) config.topP().orElse(1))
        .withRepetitionPenalty((float) config.repetitionPenalty().orElse(1))
        .withMinP((float) config.minP().orElse(0))
        .withTypicalP((float) config.typicalP().orElse(1))
        .withMinNewTokens(config.minNewTokens().orElse(0))
        .withBannedTokens(config.bannedTokens().stream().mapToInt(id -> id).toArray())
        .withStop(config.stopStrings().toArray(String[]::new))
        .withBeamSearch(
            new BeamSearch(config.numBeams().orElse(1), (float) config.lengthPenalty().orElse(1)));
  }

  /** The ids that stand in front of messages, where the file says them. */
  static Optional<ModelInfo.ChatRoles> roles(Optional<GenerationConfig> advice) {
    return advice
        .filter(a -> a.userTokenId().isPresent() && a.assistantTokenId().isPresent())
        .map(
            a ->
                new ModelInfo.ChatRoles(
                    a.userTokenId().getAsInt(), a.assistantTokenId().getAsInt()));
  }

  /** The ids that end a text: those of the file, or of the model. */
  static List<Integer> endIds(Optional<GenerationConfig> advice, Architecture model) {
    return advice
        .map(GenerationConfig::eosTokenIds)
        .filter(ids -> !ids.isEmpty())
        .orElseGet(() -> model.tokens().ends());
  }
}
