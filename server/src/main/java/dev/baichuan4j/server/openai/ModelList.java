package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Models;
import io.javalin.http.Context;

/** {@code GET /v1/models} and {@code GET /v1/models/{id}}. */
final class ModelList {
  private ModelList() {}

  static void all(Context context, Models models) {
    ObjectNode list = Json.object().put("object", "list");
    ArrayNode data = list.putArray("data");
    models.cards().forEach(card -> data.add(node(card)));
    JsonBody.send(context, list);
  }

  static void one(Context context, Models models) {
    String name = context.pathParam("id");
    Models.Card found =
        models.cards().stream()
            .filter(card -> card.name().equals(name))
            .findFirst()
            .orElseThrow(
                () ->
                    ApiException.of(
                            404,
                            ApiErrors.INVALID_REQUEST,
                            "model_not_found",
                            "model \"" + name + "\" is not served; GET /v1/models lists them")
                        .at("model"));
    JsonBody.send(context, node(found));
  }

  private static ObjectNode node(Models.Card card) {
    ObjectNode node =
        Json.object()
            .put("id", card.name())
            .put("object", "model")
            .put("created", card.created())
            .put("owned_by", "baichuan4j");
    if (card.contextLength() > 0) {
      node.put("max_model_len", card.contextLength()); // vLLM's name
    }
    card.parent().ifPresent(parent -> node.put("parent", parent)); // vLLM's name too
    return node;
  }
}
