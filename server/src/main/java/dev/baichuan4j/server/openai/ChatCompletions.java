package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.server.Models;
import java.util.List;

/** {@code POST /v1/chat/completions}. */
final class ChatCompletions {
  private static final String MESSAGES = "messages";

  private ChatCompletions() {}

  static void handle(Call call) {
    Fields fields = call.read(ChatRequest.SHAPE);
    ChatRequest read = ChatRequest.read(fields);
    call.requireShort(Messages.characters(read.messages()), MESSAGES);
    call.requireFew(read.choices(), "n");
    call.withModel(
        fields,
        MESSAGES,
        use -> {
          ChatRequest request = read.in(use.model().info().toolForm());
          GenerationOptions options = call.options(use, request.options());
          Generation generation = use.model().chat(request.prompt(), options);
          Texts texts = new Texts(call.context(), use, List.of(generation), MESSAGES);
          Envelope envelope = Envelope.of("chatcmpl-", use);
          if (request.streams()) {
            texts.stream(
                call.limits().heartbeat(),
                stream -> new ChatEvents(stream, envelope, request, use.model()));
          } else {
            texts.answer(results -> answer(envelope, request, use, results));
          }
        });
  }

  private static JsonNode answer(
      Envelope envelope, ChatRequest request, Models.Use use, List<GenerationResult> results) {
    ObjectNode answer = envelope.object("chat.completion");
    ArrayNode choices = answer.putArray("choices");
    ChatLogprobs logprobs = new ChatLogprobs(new TokenTexts(use.model().tokenizer()));
    List<Integer> endIds = use.model().info().endIds();
    for (int i = 0; i < results.size(); i++) {
      GenerationResult result = results.get(i);
      ObjectNode choice = choices.addObject().put("index", i);
      choice.set("message", message(request, result, choice));
      if (result.logprobs().isEmpty()) {
        choice.putNull("logprobs");
      } else {
        choice.set("logprobs", logprobs.of(Tokens.ofText(result, endIds)));
      }
    }
    answer.set("usage", Tokens.usage(results.subList(0, 1), results));
    tellTier(answer, request);
    tellDropped(answer, results.get(0));
    return answer;
  }

  /** Makes the message of a choice, and sets how the choice has ended. */
  private static ObjectNode message(
      ChatRequest request, GenerationResult result, ObjectNode choice) {
    ObjectNode message = Json.object().put("role", "assistant");
    String finish = Tokens.finishReason(result.finishReason());
    if (request.tools().isEmpty()) {
      message.put("content", result.text());
    } else {
      CallCollector collector = CallCollector.of(request.tools().get(), result.text());
      if (collector.content().isEmpty() && collector.hasCalls()) {
        message.putNull("content");
      } else {
        message.put("content", collector.content());
      }
      if (collector.hasCalls()) {
        message.set("tool_calls", collector.toolCalls());
        finish = result.finishReason() == FinishReason.LENGTH ? finish : "tool_calls";
      }
    }
    message.putNull("refusal");
    choice.put("finish_reason", finish);
    return message;
  }

  /** Names the tier that a request has asked for. */
  static void tellTier(ObjectNode answer, ChatRequest request) {
    request
        .serviceTier()
        .ifPresent(tier -> answer.put("service_tier", tier.equals("auto") ? "default" : tier));
  }

  /** Says so where rounds were left out for want of room, as the request has allowed. */
  static void tellDropped(ObjectNode answer, GenerationResult result) {
    if (result.droppedRounds() > 0) {
      answer.put("dropped_rounds", result.droppedRounds());
    }
  }
}
