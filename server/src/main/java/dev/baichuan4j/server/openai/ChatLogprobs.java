package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.TokenLogprobs;
import java.util.List;

/** {@code logprobs} of a chat's choice: of each token its text, its bytes and its alternatives. */
record ChatLogprobs(TokenTexts texts) {
  /** What stands for the logarithm of 0, which JSON has no number for; OpenAI's value. */
  static final double LEAST = -9999.0;

  ObjectNode of(List<TokenLogprobs> tokens) {
    ObjectNode logprobs = Json.object();
    logprobs.set("content", list(tokens));
    logprobs.putNull("refusal");
    return logprobs;
  }

  /** Returns the reports alone, as responses have them. */
  ArrayNode list(List<TokenLogprobs> tokens) {
    ArrayNode list = Json.object().arrayNode();
    for (TokenLogprobs token : tokens) {
      ObjectNode report = list.addObject();
      put(report, token.id(), token.logprob());
      ArrayNode top = report.putArray("top_logprobs");
      for (TokenLogprobs.Candidate candidate : token.top()) {
        put(top.addObject(), candidate.id(), candidate.logprob());
      }
    }
    return list;
  }

  private void put(ObjectNode report, int id, double logprob) {
    byte[] bytes = texts.bytes(id);
    report.put("token", TokenTexts.text(bytes)).put("logprob", Math.max(logprob, LEAST));
    ArrayNode values = report.putArray("bytes");
    for (byte b : bytes) {
      values.add(b & 0xFF);
    }
  }
}
