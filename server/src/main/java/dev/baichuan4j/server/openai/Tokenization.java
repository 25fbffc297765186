package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;

/**
 * {@code POST /tokenize} and {@code POST /detokenize}, as vLLM has them, where the text is the
 * {@code prompt}, and as llama.cpp has them, where it is the {@code content}.
 */
final class Tokenization {
  static final Shape TEXT =
      Call.model()
          .text("prompt", "The text, as vLLM names it.")
          .text("content", "The text, as llama.cpp names it.")
          .flag("add_special_tokens", "The model has none to add: both values mean the same.")
          .flag("add_special", "The model has none to add: both values mean the same.")
          .flag("parse_special", "Whether marks in the text are marks; false at first.")
          .flag("return_token_strs", "Whether the pieces are told too, as token_strs.")
          .flag("with_pieces", "Whether tokens are told as objects of id and piece.")
          .refused("messages", "the answers of chats tell their tokens in \"usage\".");

  static final Shape TOKENS =
      Call.model()
          .any("tokens", "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", "Token ids.")
          .required();

  private Tokenization() {}

  static void tokenize(Call call) {
    Fields fields = call.read(TEXT);
    boolean vllm = fields.has("prompt");
    if (vllm == fields.has("content")) {
      String what = vllm ? " beside content" : "";
      throw vllm
          ? fields.invalid("prompt", "a value" + what, "one of both")
          : fields.missing("prompt", "a text, or content");
    }
    String field = vllm ? "prompt" : "content";
    String text = fields.requiredText(field);
    fields.flag("add_special_tokens");
    fields.flag("add_special");
    boolean parses = fields.flag("parse_special", false);
    boolean strings = fields.flag("return_token_strs", false);
    boolean pieces = fields.flag("with_pieces", false);
    call.requireShort(text.length(), field);
    call.withModel(
        fields,
        field,
        use -> {
          try (use) {
            Tokenizer tokenizer = use.model().tokenizer();
            int[] ids = tokenizer.encode(text, parses ? SpecialTokens.PARSED : SpecialTokens.INERT);
            ObjectNode answer = Json.object();
            if (vllm) {
              answer.put("count", ids.length);
              answer.put("max_model_len", use.model().info().contextLength());
            }
            ArrayNode tokens = answer.putArray("tokens");
            TokenTexts texts = new TokenTexts(tokenizer);
            for (int id : ids) {
              if (pieces) {
                tokens.addObject().put("id", id).put("piece", texts.text(id));
              } else {
                tokens.add(id);
              }
            }
            if (strings) {
              ArrayNode all = answer.putArray("token_strs");
              for (int id : ids) {
                all.add(tokenizer.piece(id));
              }
            }
            JsonBody.send(call.context(), answer);
          }
        });
  }

  static void detokenize(Call call) {
    Fields fields = call.read(TOKENS);
    JsonNode tokens =
        fields.value("tokens").orElseThrow(() -> fields.missing("tokens", "token ids"));
    if (!tokens.isArray()) {
      throw fields.invalid("tokens", tokens, "token ids");
    }
    int[] ids = CompletionRequest.Prompt.ids(fields, "tokens", tokens);
    call.requireShort(ids.length, "tokens");
    call.withModel(
        fields,
        "tokens",
        use -> {
          try (use) {
            Baichuan model = use.model();
            int size = model.tokenizer().vocabularySize();
            for (int i = 0; i < ids.length; i++) {
              if (ids[i] >= size) {
                throw fields.invalid("tokens[" + i + "]", ids[i] + "", "0 to " + (size - 1));
              }
            }
            String text = model.tokenizer().decode(ids);
            JsonBody.send(call.context(), Json.object().put("prompt", text).put("content", text));
          }
        });
  }
}
