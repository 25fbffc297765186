package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.Usage;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.stream.EventStream;
import dev.baichuan4j.tools.ToolCallReader;
import java.util.List;

/** {@code POST /v1/responses}. */
final class Responses {
  private static final String INPUT = "input";

  private Responses() {}

  static void handle(Call call) {
    Fields fields = call.read(ResponseRequest.SHAPE);
    ResponseRequest read = ResponseRequest.read(fields);
    call.requireShort(Messages.characters(read.messages()), INPUT);
    call.withModel(
        fields,
        INPUT,
        use -> {
          Baichuan model = use.model();
          ResponseRequest request = read.in(model.info().toolForm());
          GenerationOptions options = call.options(use, request.options());
          Generation generation = model.chat(request.prompt(), options);
          Texts texts = new Texts(call.context(), use, List.of(generation), INPUT);
          Form form = new Form(Envelope.of("resp_", use), request);
          if (request.streams()) {
            texts.stream(
                call.limits().heartbeat(), stream -> new Events(stream, form, request, model));
          } else {
            texts.answer(results -> answer(form, request, model, results.get(0)));
          }
        });
  }

  private static JsonNode answer(
      Form form, ResponseRequest request, Baichuan model, GenerationResult result) {
    ResponseOutput output = new ResponseOutput((type, event) -> {});
    ChatLogprobs logprobs = new ChatLogprobs(new TokenTexts(model.tokenizer()));
    List<TokenLogprobs> tokens = Tokens.ofText(result, model.info().endIds());
    output.report(logprobs.list(tokens));
    if (request.tools().isPresent()) {
      ToolCallReader reader = request.tools().get().newReader();
      reader.accept(result.text(), output);
      reader.finish(output);
    } else if (!result.text().isEmpty()) {
      output.content(result.text());
    }
    return form.ended(result, output);
  }

  /** The object that a response is, at each of its stages. */
  private record Form(Envelope envelope, ResponseRequest request) {
    ObjectNode of(String status) {
      ObjectNode response =
          Json.object()
              .put("id", envelope.id())
              .put("object", "response")
              .put("created_at", envelope.created())
              .put("status", status)
              .put("background", false)
              .putNull("error")
              .putNull("incomplete_details")
              .put("model", envelope.model())
              .putNull("previous_response_id")
              .put("store", false)
              .putNull("usage");
      response.putArray("output");
      response.setAll(request.echoed());
      return response;
    }

    ObjectNode ended(GenerationResult result, ResponseOutput output) {
      boolean complete = result.finishReason() != FinishReason.LENGTH;
      ObjectNode response = of(complete ? "completed" : "incomplete");
      if (!complete) {
        response.putObject("incomplete_details").put("reason", "max_output_tokens");
      }
      response.set("output", output.end(complete));
      response.set("usage", usage(result.usage()));
      ChatCompletions.tellDropped(response, result);
      return response;
    }

    private static ObjectNode usage(Usage tokens) {
      ObjectNode usage = Json.object().put("input_tokens", tokens.promptTokens());
      usage
          .putObject("input_tokens_details")
          .put("cached_tokens", tokens.cachedTokens())
          .put("cache_write_tokens", tokens.promptTokens() - tokens.cachedTokens());
      usage.put("output_tokens", tokens.completionTokens());
      usage.putObject("output_tokens_details").put("reasoning_tokens", 0);
      return usage.put("total_tokens", tokens.totalTokens());
    }
  }

  /** The events of a streamed response. */
  private static final class Events implements Texts.Events {
    private final EventStream stream;
    private final Form form;
    private final ResponseOutput output;
    private final ChatLogprobs logprobs;
    private final ToolCallReader reader; // null without tools
    private long number;

    Events(EventStream stream, Form form, ResponseRequest request, Baichuan model) {
      this.stream = stream;
      this.form = form;
      this.output = new ResponseOutput(this::send);
      this.logprobs = new ChatLogprobs(new TokenTexts(model.tokenizer()));
      this.reader = request.tools().map(tools -> tools.newReader()).orElse(null);
      send("response.created", form.of("in_progress"), "response");
      send("response.in_progress", form.of("in_progress"), "response");
    }

    private void send(String type, ObjectNode object, String name) {
      ObjectNode event = Json.object();
      event.set(name, object);
      send(type, event);
    }

    private void send(String type, ObjectNode event) {
      ObjectNode whole = Json.object().put("type", type).put("sequence_number", number++);
      whole.setAll(event);
      stream.send(type, Json.text(whole));
    }

    @Override
    public void chunk(int index, Chunk chunk) {
      chunk.logprobs().ifPresent(token -> output.report(logprobs.list(List.of(token))));
      if (reader != null) {
        reader.accept(chunk.text(), output);
      } else if (!chunk.text().isEmpty()) {
        output.content(chunk.text());
      }
    }

    @Override
    public void end(int index, GenerationResult result) {
      if (reader != null) {
        reader.finish(output);
      }
      ObjectNode response = form.ended(result, output);
      String status = response.get("status").textValue();
      send("response." + status, response, "response");
    }

    @Override
    public void end(List<GenerationResult> results) {}

    @Override
    public void fail(ApiException failure) {
      ObjectNode response = form.of("failed");
      response.putObject("error").put("code", failure.code()).put("message", failure.getMessage());
      response.set("output", output.end(false));
      send("response.failed", response, "response");
    }
  }
}
