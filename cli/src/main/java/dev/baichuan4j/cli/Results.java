package dev.baichuan4j.cli;

import dev.baichuan4j.GenerationResult;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Results as JSON objects, whose keys keep their order. */
final class Results {
  private Results() {}

  /** Names of fields are part of the interface. */
  private record Usage(
      int prompt_tokens,
      int cached_tokens,
      int completion_tokens,
      int drafted_tokens,
      int accepted_tokens) {}

  /** Names of fields are part of the interface. */
  private record Timings(double queued_ms, double prompt_ms, double generation_ms) {}

  static Map<String, Object> of(GenerationResult result) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("text", result.text());
    json.put("token_ids", result.tokenIds());
    json.put("finish_reason", result.finishReason().name().toLowerCase(Locale.ROOT));
    json.put(
        "usage",
        new Usage(
            result.usage().promptTokens(),
            result.usage().cachedTokens(),
            result.usage().completionTokens(),
            result.usage().draftedTokens(),
            result.usage().acceptedTokens()));
    json.put(
        "timings",
        new Timings(
            result.timings().queued().toNanos() / 1e6,
            result.timings().prompt().toNanos() / 1e6,
            result.timings().generation().toNanos() / 1e6));
    if (!result.logprobs().isEmpty()) {
      json.put("logprobs", result.logprobs());
    }
    json.put("dropped_rounds", result.droppedRounds());
    json.put("cut_tokens", result.cutTokens());
    return json;
  }

  /** Says on standard error what of a conversation was not in the prompt, if anything was not. */
  static void tellLoss(GenerationResult result) {
    if (result.droppedRounds() > 0) {
      Terminal.err()
          .printf(
              "baichuan: the context was too short for the whole conversation: rounds left out, the"
                  + " oldest first: %d%n",
              result.droppedRounds());
    }
    if (result.cutTokens() > 0) {
      Terminal.err()
          .printf(
              "baichuan: the context was too short for the conversation: tokens cut off at its"
                  + " beginning: %d%n",
              result.cutTokens());
    }
  }
}
