package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.server.Models;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;

/** {@code /openapi.json}, which is made of the shapes that requests are read by. */
final class OpenApi {
  private static final String JSON = "application/json";
  private static final String PLAIN = "text/plain";
  private static final String EVENTS = "text/event-stream";

  private static final String LOADS =
      "Where the server was started with --lora-folder, clients may change its adapters. ";

  private final ObjectNode document = Json.object().put("openapi", "3.1.0");
  private final ObjectNode paths;
  private final ObjectNode schemas;

  private OpenApi() {
    document
        .putObject("info")
        .put("title", "baichuan4j")
        .put("version", version())
        .put(
            "description",
            "Baichuan models behind OpenAI's API. A field that nobody knows is ignored, and named"
                + " in the header x-ignored-fields; one that is known and not supported is refused"
                + " with 400, and error.param names it.");
    paths = document.putObject("paths");
    ObjectNode components = document.putObject("components");
    schemas = components.putObject("schemas");
    components
        .putObject("securitySchemes")
        .putObject("key")
        .put("type", "http")
        .put("scheme", "bearer");
  }

  private static String version() {
    String version = Models.class.getPackage().getImplementationVersion();
    return version == null ? "0" : version;
  }

  static void addTo(RoutesConfig routes) {
    routes.get("/openapi.json", context -> JsonBody.send(context, Holder.DOCUMENT));
    routes.get("/docs", OpenApi::page);
  }

  private static void page(Context context) {
    context.header("Content-Security-Policy", ApiPage.POLICY).html(Holder.PAGE);
  }

  /** Made when somebody asks for it. */
  private static final class Holder {
    static final ObjectNode DOCUMENT = document();
    static final String PAGE = ApiPage.of(DOCUMENT);
  }

  private static ObjectNode document() {
    OpenApi api = new OpenApi();
    api.addSchemas();
    api.get("/v1/models", "Lists the models that can be named.", JSON);
    api.get("/v1/models/{id}", "Tells of one model.", JSON);
    api.post("/v1/chat/completions", "Continues a conversation.", "ChatRequest", EVENTS);
    api.post("/v1/completions", "Continues a text.", "CompletionRequest", EVENTS);
    api.post("/v1/responses", "Continues a conversation of items.", "ResponseRequest", EVENTS);
    api.post("/v1/embeddings", "Turns texts into vectors.", "EmbeddingRequest", JSON);
    api.post("/v1/rerank", "Orders documents by their relevance.", "RerankRequest", JSON);
    api.post("/tokenize", "Cuts a text into tokens.", "TokenizeRequest", JSON);
    api.post("/detokenize", "Puts tokens together to a text.", "DetokenizeRequest", JSON);
    api.post("/v1/load_lora_adapter", LOADS + "Loads one.", "LoadAdapterRequest", JSON);
    api.post("/v1/unload_lora_adapter", LOADS + "Drops one.", "UnloadAdapterRequest", JSON);
    api.get("/health", "Tells whether the server lives.", JSON);
    api.get("/ready", "Tells whether the server takes requests.", JSON);
    api.get("/metrics", "Tells counts and times, for Prometheus.", PLAIN);
    return api.document;
  }

  private void addSchemas() {
    schemas.set("ChatRequest", ChatRequest.SHAPE.schema());
    schemas.set("CompletionRequest", CompletionRequest.SHAPE.schema());
    schemas.set("ResponseRequest", ResponseRequest.SHAPE.schema());
    schemas.set("EmbeddingRequest", EmbeddingList.SHAPE.schema());
    schemas.set("RerankRequest", Rerank.SHAPE.schema());
    schemas.set("TokenizeRequest", Tokenization.TEXT.schema());
    schemas.set("DetokenizeRequest", Tokenization.TOKENS.schema());
    schemas.set("LoadAdapterRequest", AdapterChanges.LOAD.schema());
    schemas.set("UnloadAdapterRequest", AdapterChanges.UNLOAD.schema());
    Shape error =
        Shape.object()
            .text("message", "What has which value, and what was expected.")
            .required()
            .text("type", "invalid_request_error, rate_limit_error or server_error.")
            .required()
            .any("param", "{\"type\":[\"string\",\"null\"]}", "The field that is at fault.")
            .required()
            .text("code", "The kind of the error, for programs.")
            .required();
    schemas.set(
        "Error", Shape.object().object("error", error, "What is wrong.").required().schema());
  }

  private ObjectNode get(String path, String summary, String type) {
    ObjectNode operation = operation(path, "get", summary);
    if (path.contains("{id}")) {
      ObjectNode id = operation.putArray("parameters").addObject().put("name", "id");
      id.put("in", "path").put("required", true).putObject("schema").put("type", "string");
    }
    content(operation.putObject("responses").putObject("200"), "The answer.", type);
    return operation;
  }

  private void post(String path, String summary, String request, String type) {
    ObjectNode operation = operation(path, "post", summary);
    operation
        .putObject("requestBody")
        .put("required", true)
        .putObject("content")
        .putObject(JSON)
        .putObject("schema")
        .put("$ref", "#/components/schemas/" + request);
    ObjectNode responses = operation.putObject("responses");
    ObjectNode ok = responses.putObject("200");
    content(ok, "The answer, in the form of OpenAI.", JSON);
    if (type.equals(EVENTS)) {
      content(ok, "The answer, in the form of OpenAI.", EVENTS);
    }
    responses
        .putObject("default")
        .put("description", "What is wrong.")
        .putObject("content")
        .putObject(JSON)
        .putObject("schema")
        .put("$ref", "#/components/schemas/Error");
  }

  private ObjectNode operation(String path, String method, String summary) {
    ObjectNode operation = paths.withObject("/" + path.replace("~", "~0").replace("/", "~1"));
    operation = operation.putObject(method).put("summary", summary);
    operation.putArray("security").addObject().putArray("key");
    return operation;
  }

  private static void content(ObjectNode response, String description, String type) {
    response.put("description", description);
    response.withObject("/content").putObject(type);
  }
}
