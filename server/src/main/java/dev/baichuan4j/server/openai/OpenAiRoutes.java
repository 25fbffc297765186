package dev.baichuan4j.server.openai;

import dev.baichuan4j.server.ApiLimits;
import dev.baichuan4j.server.Models;
import dev.baichuan4j.server.Routes;
import io.javalin.config.RoutesConfig;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * The endpoints of OpenAI's API, {@code /tokenize} and {@code /detokenize} as vLLM and llama.cpp
 * have them, {@code /v1/rerank} as Jina and Cohere have it, and {@code /openapi.json} with {@code
 * /docs}, which describe all of them.
 */
public final class OpenAiRoutes implements Routes {
  private final Models models;
  private final ApiLimits limits;

  /** Creates the endpoints for the models of a server. */
  public OpenAiRoutes(Models models, ApiLimits limits) {
    this.models = Objects.requireNonNull(models, "models");
    this.limits = Objects.requireNonNull(limits, "limits");
  }

  @Override
  public void addTo(RoutesConfig routes) {
    routes.get("/v1/models", context -> ModelList.all(context, models));
    routes.get("/v1/models/<id>", context -> ModelList.one(context, models));
    post(routes, "/v1/chat/completions", ChatCompletions::handle);
    post(routes, "/v1/completions", Completions::handle);
    post(routes, "/v1/responses", Responses::handle);
    post(routes, "/v1/embeddings", EmbeddingList::handle);
    post(routes, "/v1/rerank", Rerank::handle);
    post(routes, "/tokenize", Tokenization::tokenize);
    post(routes, "/detokenize", Tokenization::detokenize);
    models
        .adapters()
        .ifPresent(
            adapters -> {
              post(routes, "/v1/load_lora_adapter", call -> AdapterChanges.load(call, adapters));
              post(
                  routes, "/v1/unload_lora_adapter", call -> AdapterChanges.unload(call, adapters));
            });
    OpenApi.addTo(routes);
  }

  private void post(RoutesConfig routes, String path, Consumer<Call> handler) {
    routes.post(path, context -> handler.accept(new Call(context, models, limits)));
  }
}
