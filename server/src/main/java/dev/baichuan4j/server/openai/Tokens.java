package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.Usage;
import java.util.List;

/** Token counts, ends and likelihoods of texts, as OpenAI's chats and completions tell them. */
final class Tokens {
  private Tokens() {}

  /** Returns {@code usage} of the texts of one prompt, or of several prompts. */
  static ObjectNode usage(List<GenerationResult> firsts, List<GenerationResult> all) {
    long prompt = firsts.stream().mapToLong(result -> result.usage().promptTokens()).sum();
    long cached = firsts.stream().mapToLong(result -> result.usage().cachedTokens()).sum();
    long written = all.stream().mapToLong(result -> result.usage().completionTokens()).sum();
    return usage(prompt, cached, written);
  }

  static ObjectNode usage(Usage usage) {
    return usage(usage.promptTokens(), usage.cachedTokens(), usage.completionTokens());
  }

  private static ObjectNode usage(long prompt, long cached, long written) {
    ObjectNode usage =
        Json.object()
            .put("prompt_tokens", prompt)
            .put("completion_tokens", written)
            .put("total_tokens", prompt + written);
    usage.putObject("prompt_tokens_details").put("cached_tokens", cached);
    return usage;
  }

  static String finishReason(FinishReason reason) {
    return reason == FinishReason.LENGTH ? "length" : "stop"; // others are refusals
  }

  /** Returns the reports of the tokens that are text: without the mark that ends it. */
  static List<TokenLogprobs> ofText(GenerationResult result, List<Integer> endIds) {
    List<TokenLogprobs> all = result.logprobs();
    int last = all.size() - 1;
    boolean ends = last >= 0 && endIds.contains(all.get(last).id());
    return ends ? all.subList(0, last) : all;
  }
}
