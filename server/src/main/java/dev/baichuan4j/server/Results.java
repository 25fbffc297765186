package dev.baichuan4j.server;

import dev.baichuan4j.GenerationResult;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Results as JSON objects. */
final class Results {
  private Results() {}

  static Map<String, Object> of(GenerationResult result) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("text", result.text());
    json.put("token_ids", result.tokenIds());
    json.put("finish_reason", result.finishReason().name().toLowerCase(Locale.ROOT));
    json.put(
        "usage",
        Map.of(
            "prompt_tokens", result.usage().promptTokens(),
            "cached_tokens", result.usage().cachedTokens(),
            "completion_tokens", result.usage().completionTokens()));
    json.put(
        "timings",
        Map.of(
            "queued_ms", result.timings().queued().toNanos() / 1e6,
            "prompt_ms", result.timings().prompt().toNanos() / 1e6,
            "generation_ms", result.timings().generation().toNanos() / 1e6));
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
