package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.StreamDecoder;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.Tokenizer;
import java.util.List;

/**
 * {@code logprobs} of a plain completion: lists of the same length, one value a token. Offsets are
 * in characters (code points) of the choice's text; a token in the middle of a character has that
 * of the character.
 */
final class CompletionLogprobs {
  private final TokenTexts texts;
  private final StreamDecoder decoder;
  private int offset;
  private ArrayNode tokens;
  private ArrayNode logprobs;
  private ArrayNode tops;
  private ArrayNode offsets;

  CompletionLogprobs(Tokenizer tokenizer) {
    this.texts = new TokenTexts(tokenizer);
    this.decoder = tokenizer.newStreamDecoder();
    clear();
  }

  private void clear() {
    tokens = Json.object().arrayNode();
    logprobs = Json.object().arrayNode();
    tops = Json.object().arrayNode();
    offsets = Json.object().arrayNode();
  }

  /** Adds the first token of a text, which nothing precedes, so that it has no probability. */
  void addFirst(int id) {
    addToken(id);
    logprobs.addNull();
    tops.addObject(); // where OpenAI has null, which its own client for Java does not take
  }

  void addAll(List<TokenLogprobs> all) {
    all.forEach(this::add);
  }

  void add(TokenLogprobs token) {
    addToken(token.id());
    logprobs.add(Math.max(token.logprob(), ChatLogprobs.LEAST));
    ObjectNode top = tops.addObject();
    for (TokenLogprobs.Candidate candidate : token.top()) {
      // Of candidates with the same text, the likeliest comes first and is told.
      top.putIfAbsent(
          texts.text(candidate.id()),
          Json.object().numberNode(Math.max(candidate.logprob(), ChatLogprobs.LEAST)));
    }
  }

  private void addToken(int id) {
    tokens.add(texts.text(id));
    offsets.add(offset);
    String written = decoder.append(id);
    offset += written.codePointCount(0, written.length());
  }

  /** Returns what was added since this was asked last. */
  ObjectNode take() {
    ObjectNode all = Json.object();
    all.set("tokens", tokens);
    all.set("token_logprobs", logprobs);
    all.set("top_logprobs", tops);
    all.set("text_offset", offsets);
    clear();
    return all;
  }
}
