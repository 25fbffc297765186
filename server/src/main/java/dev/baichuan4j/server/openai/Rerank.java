package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.RerankTemplate;
import dev.baichuan4j.Scoring;
import dev.baichuan4j.server.Caller;
import dev.baichuan4j.server.Models;
import java.util.ArrayList;
import java.util.List;

/** {@code POST /v1/rerank}, in the form of Jina and Cohere. */
final class Rerank {
  private static final String DOCUMENTS = "documents";
  private static final int MOST_DOCUMENTS = 1000;

  private static final Shape DOCUMENT = Shape.object().text("text", "The document.").required();

  static final Shape SHAPE =
      Call.model()
          .text("query", "What is asked.")
          .required()
          .any(
              DOCUMENTS,
              "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},"
                  + "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}}}]}}",
              "Texts, or objects with a text; up to 1000.")
          .required()
          .integer("top_n", 1, 1_000_000, "Tells the best ones, so many; all at first.")
          .flag("return_documents", "Whether documents are told too; true at first.")
          .refused("max_tokens_per_doc", "documents are read whole.")
          .refused("rank_fields", "put what is to be read into \"text\".");

  private Rerank() {}

  static void handle(Call call) {
    Fields fields = call.read(SHAPE);
    String query = fields.requiredText("query");
    List<String> documents = documents(fields);
    int top = fields.integer("top_n").orElse(documents.size());
    boolean returns = fields.flag("return_documents", true);
    call.requireShort(documents.stream().mapToLong(String::length).sum(), DOCUMENTS);
    call.requireShort((long) query.length() * Math.max(1, documents.size()), "query");
    call.withModel(
        fields,
        DOCUMENTS,
        use -> {
          Scoring all = use.model().scoring();
          Scoring scoring =
              use.adapter()
                  .map(all::withAdapter)
                  .orElse(all)
                  .withCaller(Caller.of(call.context()).key())
                  .withTimeout(call.limits().requestTimeout());
          WaitingWork.answer(
              call,
              use,
              DOCUMENTS,
              () -> answer(use, query, documents, scoring.rerank(query, documents), top, returns));
        });
  }

  private static List<String> documents(Fields fields) {
    JsonNode value =
        fields.value(DOCUMENTS).orElseThrow(() -> fields.missing(DOCUMENTS, "a list of texts"));
    if (!value.isArray() || value.isEmpty() || value.size() > MOST_DOCUMENTS) {
      String found = value.isArray() ? value.size() + " documents" : Json.kind(value);
      throw fields.invalid(DOCUMENTS, found, "a list of 1 to " + MOST_DOCUMENTS + " texts");
    }
    List<String> documents = new ArrayList<>();
    for (JsonNode one : value) {
      String name = DOCUMENTS + "[" + documents.size() + "]";
      documents.add(
          one.isTextual()
              ? one.textValue()
              : fields.nested(name, DOCUMENT, one).requiredText("text"));
    }
    return documents;
  }

  private static JsonNode answer(
      Models.Use use,
      String query,
      List<String> documents,
      List<Scoring.Relevance> ranked,
      int top,
      boolean returns) {
    ObjectNode answer = Json.object().put("id", Envelope.id("rerank-")).put("model", use.name());
    long tokens = tokens(use.model(), query, documents);
    answer.putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
    ArrayNode results = answer.putArray("results");
    for (Scoring.Relevance one : ranked.subList(0, Math.min(top, ranked.size()))) {
      ObjectNode result = results.addObject().put("index", one.index());
      result.put("relevance_score", one.score());
      if (returns) {
        result.putObject("document").put("text", one.document());
      }
    }
    return answer;
  }

  private static long tokens(Baichuan model, String query, List<String> documents) {
    long tokens = 0;
    for (String document : documents) {
      String question = RerankTemplate.DEFAULT.question(query, document);
      tokens += model.countTokens(List.of(ChatMessage.user(question)));
    }
    return tokens;
  }
}
