package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Caller;
import dev.baichuan4j.server.Cancellation;
import dev.baichuan4j.server.Routes;
import dev.baichuan4j.server.stream.AnswerThreads;
import dev.baichuan4j.server.stream.EventStream;
import dev.baichuan4j.server.stream.ResponseBody;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/** The endpoints of a worker. What is refused is an answer with an {@link ErrorCode}. */
final class WorkerRoutes implements Routes {
  private static final String JSON = "application/json";

  private final Baichuan model;
  private final Prompts prompts;
  private final WorkerSettings settings;
  private final Vectors vectors;
  private volatile boolean leaving;

  WorkerRoutes(Baichuan model, Prompts prompts, WorkerSettings settings) {
    this.model = model;
    this.prompts = prompts;
    this.settings = settings;
    this.vectors = new Vectors(model, settings.truncatesEmbeddings());
  }

  @Override
  public void addTo(RoutesConfig routes) {
    routes.post("/worker_generate_stream", this::stream);
    routes.post("/worker_generate", this::generate);
    routes.post("/worker_get_embeddings", this::embed);
    routes.post("/count_token", this::countTokens);
    routes.post("/worker_get_status", this::status);
    routes.post("/worker_get_conv_template", context -> send(context, template()));
    routes.post("/model_details", context -> send(context, details()));
  }

  /** Tells whoever asks for the status from now on that this worker is none any more. */
  void leave() {
    leaving = true;
  }

  boolean isLeaving() {
    return leaving;
  }

  /** Returns what a controller has to know of this worker. */
  ObjectNode status() {
    ObjectNode status = JsonNodeFactory.instance.objectNode();
    settings.modelNames().forEach(status.putArray("model_names")::add);
    return status.put("speed", 1).put("queue_length", queue().length());
  }

  /** Returns the requests that wait or run. */
  Registration.Queue queue() {
    EngineMetrics.Requests requests = model.metrics().requests();
    return new Registration.Queue(requests.waiting() + requests.running(), requests.submitted());
  }

  private void status(Context context) {
    if (leaving) {
      throw ApiException.of(
          503, ApiErrors.SERVER_ERROR, "shutting_down", "The worker ends and takes no more.");
    }
    send(context, status());
  }

  private ObjectNode template() {
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    answer.set("conv", prompts.template().json());
    return answer;
  }

  private ObjectNode details() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("context_length", model.info().contextLength());
  }

  private void countTokens(Context context) {
    answer(
        context,
        parameters ->
            JsonNodeFactory.instance
                .objectNode()
                .put("count", prompts.encode(parameters.text("prompt")).length)
                .put("error_code", 0));
  }

  private void embed(Context context) {
    answer(context, parameters -> vectors.answer(parameters, Caller.of(context).key()));
  }

  private void answer(Context context, Function<Parameters, ObjectNode> answer) {
    Parameters parameters = Parameters.read(context.bodyAsBytes());
    ObjectNode told;
    try {
      requireModel(parameters);
      told = answer.apply(parameters);
    } catch (RuntimeException e) {
      told = Refusal.of(e).json();
    }
    send(context, told);
  }

  private void requireModel(Parameters parameters) {
    if (parameters.value("model").isEmpty()) {
      return;
    }
    String name = parameters.text("model");
    if (!settings.modelNames().contains(name)) {
      throw new Refusal(
          ErrorCode.INVALID_MODEL,
          "model has value " + name + ", expected one of " + settings.modelNames());
    }
  }

  /** A text that has been asked for. */
  private record Started(Generation generation, Answers answers) {}

  private Started start(Parameters parameters, Context context) {
    requireModel(parameters);
    GenerateRequest request = GenerateRequest.of(parameters, prompts, model.info().contextLength());
    GenerationOptions options = request.options().withCaller(Caller.of(context).key());
    if (settings.seed().isPresent()) {
      options = options.withSeed(settings.seed().getAsLong());
    }
    Generation generation = model.complete(request.prompt(), options);
    Cancellation.of(context).onCancel(generation::cancel);
    return new Started(generation, new Answers(model.tokenizer(), request));
  }

  private void generate(Context context) {
    Parameters parameters = Parameters.read(context.bodyAsBytes());
    Started started;
    try {
      started = start(parameters, context);
    } catch (RuntimeException e) {
      send(context, Refusal.of(e).json());
      return;
    }
    ResponseBody body = new ResponseBody(context, () -> context.contentType(JSON));
    started
        .generation
        .completion()
        .thenApplyAsync(started.answers::finished, AnswerThreads.executor())
        .exceptionally(failure -> Refusal.of(failure).json())
        .thenAccept(
            answer -> {
              body.write(bytes(answer));
              body.end();
            });
  }

  private void stream(Context context) {
    Parameters parameters = Parameters.read(context.bodyAsBytes());
    Started started;
    try {
      started = start(parameters, context);
    } catch (RuntimeException e) {
      byte[] refusal = AnswerStream.NUL_TERMINATED.frame("", Refusal.of(e).json().toString());
      context.contentType(AnswerStream.NUL_TERMINATED.contentType()).result(refusal);
      return;
    }
    EventStream stream =
        new EventStream(context, AnswerStream.NUL_TERMINATED, settings.streamHeartbeat());
    started
        .generation
        .publisher(AnswerThreads.executor())
        .subscribe(
            new AnswerStream(
                stream, started.generation, started.answers, settings.streamInterval()));
  }

  private static void send(Context context, ObjectNode answer) {
    context.contentType(JSON).result(bytes(answer));
  }

  private static byte[] bytes(ObjectNode answer) {
    return answer.toString().getBytes(StandardCharsets.UTF_8);
  }
}
