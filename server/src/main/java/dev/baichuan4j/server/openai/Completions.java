package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import java.util.ArrayList;
import java.util.List;

/** {@code POST /v1/completions}. The choices of the first prompt come first. */
final class Completions {
  private static final String PROMPT = "prompt";

  private Completions() {}

  static void handle(Call call) {
    Fields fields = call.read(CompletionRequest.SHAPE);
    CompletionRequest request = CompletionRequest.read(fields);
    call.requireShort(CompletionRequest.Prompt.length(request.prompts()), PROMPT);
    call.requireFew((long) request.prompts().size() * request.written(), "n");
    call.withModel(
        fields,
        PROMPT,
        use -> {
          Baichuan model = use.model();
          GenerationOptions options = call.options(use, request.options());
          List<Generation> generations = start(model, request, options);
          Texts texts = new Texts(call.context(), use, generations, PROMPT);
          Envelope envelope = Envelope.of("cmpl-", use);
          if (request.streams()) {
            texts.stream(
                call.limits().heartbeat(),
                stream -> new CompletionEvents(stream, envelope, request, model));
          } else {
            texts.answer(results -> answer(envelope, request, model, results));
          }
        });
  }

  /** Begins the texts of all prompts, or of none. */
  private static List<Generation> start(
      Baichuan model, CompletionRequest request, GenerationOptions options) {
    List<Generation> generations = new ArrayList<>();
    try {
      for (CompletionRequest.Prompt prompt : request.prompts()) {
        generations.add(
            prompt.text() == null
                ? model.complete(prompt.ids(), options)
                : model.complete(prompt.text(), options));
      }
      return generations;
    } catch (RuntimeException e) {
      generations.forEach(Generation::close);
      throw e;
    }
  }

  private static JsonNode answer(
      Envelope envelope,
      CompletionRequest request,
      Baichuan model,
      List<GenerationResult> results) {
    ObjectNode answer = envelope.object("text_completion");
    ArrayNode choices = answer.putArray("choices");
    for (int i = 0; i < results.size(); i++) {
      GenerationResult result = results.get(i);
      ObjectNode choice = choices.addObject().put("text", result.text()).put("index", i);
      if (request.logprobs()) {
        CompletionLogprobs logprobs = new CompletionLogprobs(model.tokenizer());
        if (request.echoes()) {
          int[] ids = ids(request.prompts().get(i / request.choices()), model);
          logprobs.addFirst(ids[0]);
          logprobs.addAll(result.promptLogprobs());
        }
        logprobs.addAll(Tokens.ofText(result, model.info().endIds()));
        choice.set("logprobs", logprobs.take());
      } else {
        choice.putNull("logprobs");
      }
      choice.put("finish_reason", Tokens.finishReason(result.finishReason()));
    }
    answer.set("usage", usage(request, results));
    return answer;
  }

  private static int[] ids(CompletionRequest.Prompt prompt, Baichuan model) {
    if (prompt.text() == null) {
      return prompt.ids();
    }
    return model.tokenizer().asWholeText(model.tokenizer().encode(prompt.text()));
  }

  /** Each prompt counts once, however many texts it has. */
  static ObjectNode usage(CompletionRequest request, List<GenerationResult> results) {
    List<GenerationResult> firsts = new ArrayList<>();
    for (int i = 0; i < results.size(); i += request.choices()) {
      firsts.add(results.get(i));
    }
    return Tokens.usage(firsts, results);
  }
}
