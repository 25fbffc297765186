package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.PieceType;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a client is told of a text: {@code text} is all of it so far, in each answer. */
final class Answers {
  private final Tokenizer tokenizer;
  private final GenerateRequest request;

  Answers(Tokenizer tokenizer, GenerateRequest request) {
    this.tokenizer = tokenizer;
    this.request = request;
  }

  /**
   * Returns what is told while the text is being written. The log-probabilities of a prompt are
   * known at the end alone, so a text that begins with its prompt has none before.
   *
   * @param logprobs of the tokens so far
   */
  ObjectNode unfinished(String text, int tokens, List<TokenLogprobs> logprobs) {
    ObjectNode answer = answer(text, tokens);
    if (request.options().logprobs().isPresent() && !request.options().echo()) {
      answer.set("logprobs", logprobs(List.of(), logprobs));
    }
    return answer;
  }

  /** Returns what is told of a text that is whole, but not that it is. */
  ObjectNode whole(GenerationResult result) {
    ObjectNode answer = answer(result.text(), result.usage().completionTokens());
    if (request.options().logprobs().isPresent()) {
      answer.set("logprobs", logprobs(result.promptLogprobs(), result.logprobs()));
    }
    return answer;
  }

  /**
   * Returns the last answer.
   *
   * @throws Refusal if the text has ended before its time
   */
  ObjectNode finished(GenerationResult result) {
    String reason =
        switch (result.finishReason()) {
          case STOP -> "stop";
          case LENGTH -> "length";
          case CANCELLED, TIMEOUT -> throw ended(result.finishReason());
        };
    return whole(result).put("finish_reason", reason);
  }

  private static Refusal ended(FinishReason reason) {
    return new Refusal(
        ErrorCode.INTERNAL_ERROR,
        "The text was not written to its end ("
            + reason.name().toLowerCase(Locale.ROOT)
            + "), because the worker ends; ask again.");
  }

  private ObjectNode answer(String text, int tokens) {
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    answer.put("text", text);
    answer.put("error_code", 0);
    answer
        .putObject("usage")
        .put("prompt_tokens", request.prompt().length)
        .put("completion_tokens", tokens)
        .put("total_tokens", request.prompt().length + tokens);
    answer.putNull("finish_reason");
    answer.putNull("logprobs");
    return answer;
  }

  /** How likely tokens were, in the shape of OpenAI's completions. */
  private ObjectNode logprobs(List<TokenLogprobs> prompt, List<TokenLogprobs> generated) {
    ObjectNode report = JsonNodeFactory.instance.objectNode();
    ArrayNode offsets = report.putArray("text_offset");
    ArrayNode tokens = report.putArray("tokens");
    ArrayNode logprobs = report.putArray("token_logprobs");
    ArrayNode tops = report.putArray("top_logprobs");
    int offset = 0;
    if (request.options().echo()) {
      String first = text(request.prompt()[0]);
      tokens.add(first);
      offsets.add(0);
      logprobs.addNull(); // nothing is before it
      tops.addObject();
      offset = length(first);
    }
    List<TokenLogprobs> all = new ArrayList<>(prompt);
    all.addAll(generated);
    for (TokenLogprobs token : all) {
      String text = text(token.id());
      tokens.add(text);
      offsets.add(offset);
      offset += length(text);
      logprobs.add(token.logprob());
      ObjectNode top = tops.addObject();
      // Of two tokens with one text the likelier one, which comes first.
      token.top().forEach(one -> top.putIfAbsent(text(one.id()), number(one.logprob())));
    }
    return report;
  }

  private static JsonNode number(double value) {
    return JsonNodeFactory.instance.numberNode(value);
  }

  /** The text of a token by itself. */
  private String text(int id) {
    boolean hasNone = tokenizer.type(id) == PieceType.CONTROL;
    return hasNone ? tokenizer.piece(id) : tokenizer.decode(id);
  }

  /** As Python counts: in code points. */
  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
