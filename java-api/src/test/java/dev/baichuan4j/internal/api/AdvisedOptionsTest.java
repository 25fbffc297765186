package dev.baichuan4j.internal.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.internal.checkpoint.GenerationConfig;
import org.junit.jupiter.api.Test;

class AdvisedOptionsTest {
  @Test
  void takesWhatGenerationConfigSays() {
    String json =
        """
        {"do_sample": true, "temperature": 0.3, "top_k": 5, "top_p": 0.85,
         "repetition_penalty": 1.05, "max_new_tokens": 2048}\
        """;
    GenerationOptions expected =
        GenerationOptions.unmodified()
            .withTemperature(0.3f)
            .withTopK(5)
            .withTopP(0.85f)
            .withRepetitionPenalty(1.05f);
    assertEquals(expected, AdvisedOptions.of(config(json)));
  }

  @Test
  void takesWhatTransformersCallsByOtherNames() {
    String json =
        """
        {"typical_p": 0.9, "min_p": 0.05, "min_new_tokens": 3, "bad_words_ids": [[5], [6]],
         "stop_strings": ["。"], "num_beams": 4, "length_penalty": 0.8}\
        """;
    GenerationOptions expected =
        GenerationOptions.greedy()
            .withTopK(50)
            .withTypicalP(0.9f)
            .withMinP(0.05f)
            .withMinNewTokens(3)
            .withBannedTokens(5, 6)
            .withStop("。")
            .withBeamSearch(new BeamSearch(4, 0.8f));
    assertEquals(expected, AdvisedOptions.of(config(json)));
  }

  @Test
  void fallsBackToTheDefaultsOfTransformersWhereGenerationConfigIsSilent() {
    GenerationOptions silent = AdvisedOptions.of(config("{}"));
    assertEquals(GenerationOptions.greedy().withTopK(50), silent);
  }

  private static GenerationConfig config(String json) {
    return GenerationConfig.parse(json.getBytes(UTF_8), "generation_config.json", 64000);
  }
}
