package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.PromptOverflow;
import dev.baichuan4j.ToolForm;
import dev.baichuan4j.tools.Tools;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

/**
 * A request of {@code /v1/responses}.
 *
 * @param messages without the declarations of tools
 * @param tools those that the model may call; empty for none
 * @param sampling what the request changes of the options that the model advises, but for tools
 * @param streams whether the answer is a stream
 * @param echoed fields of the request that the response has too
 */
record ResponseRequest(
    List<ChatMessage> messages,
    Optional<Tools> tools,
    UnaryOperator<GenerationOptions> sampling,
    boolean streams,
    ObjectNode echoed) {
  private static final String LOGPROBS = "message.output_text.logprobs";

  static final Shape SHAPE =
      Call.model()
          .with(ResponseInput.shape())
          .integer("max_output_tokens", 1, 10_000_000, "Most tokens of an answer.")
          .flag("stream", "Whether the answer comes as events.")
          .object(
              "stream_options",
              Shape.object()
                  .refused(
                      "include_obfuscation",
                      Sampling.flag(false),
                      "nothing is added to what is sent."),
              "For a stream.")
          .any(
              "include",
              "{\"type\":\"array\",\"items\":{\"enum\":[\"" + LOGPROBS + "\"]}}",
              "What is told beside the text: the log-probabilities of its tokens.")
          .integer("top_logprobs", 0, 20, "The likeliest tokens at each place, so many of them.")
          .choice(
              "truncation",
              List.of("disabled", "auto"),
              "Whether the oldest rounds are left out where there is no room.")
          .object("text", Bounds.textShape(), "What a text is.")
          .with(Sampling.shape())
          .with(ToolFields.flatShape())
          .any("metadata", "{\"type\":\"object\"}", "Told with the response.")
          .refused("store", Sampling.flag(false), "no response is kept.")
          .refused("background", Sampling.flag(false), "a response is made while its client waits.")
          .refused("previous_response_id", "no response is kept; send the conversation.")
          .refused("conversation", "no conversation is kept; send it.")
          .refused("prompt", "no prompt is kept; send it.")
          .refused("reasoning", "the model was not trained for it.")
          .refused("max_tool_calls", "calls are the client's.");

  static ResponseRequest read(Fields fields) {
    List<ChatMessage> messages = ResponseInput.read(fields);
    Optional<Tools> tools = ToolFields.readFlat(fields);
    UnaryOperator<GenerationOptions> sampling = Sampling.read(fields);
    Optional<Constraint> constraint = fields.object("text").flatMap(Bounds::readText);
    fields.object("stream_options");
    OptionalInt most = fields.integer("max_output_tokens");
    OptionalInt logprobs = logprobs(fields);
    boolean truncates = fields.text("truncation").orElse("").equals("auto");
    UnaryOperator<GenerationOptions> options =
        base -> {
          GenerationOptions o = sampling.apply(base);
          o = most.isPresent() ? o.withMaxNewTokens(most.getAsInt()) : o;
          o = logprobs.isPresent() ? o.withLogprobs(logprobs.getAsInt()) : o;
          o = truncates ? o.withPromptOverflow(PromptOverflow.DROP_OLDEST_ROUNDS) : o;
          return constraint.isPresent() ? o.withConstraint(constraint.get()) : o;
        };
    return new ResponseRequest(
        messages, tools, options, fields.flag("stream", false), echoed(fields));
  }

  /** The request as a model is told of its tools. */
  ResponseRequest in(ToolForm form) {
    return new ResponseRequest(
        messages, tools.map(declared -> declared.withForm(form)), sampling, streams, echoed);
  }

  /** What the request changes of the options that the model advises. */
  UnaryOperator<GenerationOptions> options() {
    return base -> {
      GenerationOptions options = sampling.apply(base);
      return tools.map(declared -> declared.options(options)).orElse(options);
    };
  }

  /** The conversation with the declarations of tools. */
  List<ChatMessage> prompt() {
    return tools.map(declared -> declared.prompt(messages)).orElse(messages);
  }

  private static OptionalInt logprobs(Fields fields) {
    boolean included = false;
    for (String name : fields.texts("include", 100)) {
      if (!name.equals(LOGPROBS)) {
        throw fields.invalid("include", "\"" + name + "\"", LOGPROBS);
      }
      included = true;
    }
    OptionalInt top = fields.integer("top_logprobs");
    if (!included && top.orElse(0) > 0) {
      throw fields.invalid(
          "top_logprobs", top.getAsInt() + "", "include [\"" + LOGPROBS + "\"] too");
    }
    return included ? OptionalInt.of(top.orElse(0)) : OptionalInt.empty();
  }

  /** The fields that a response repeats, with OpenAI's values where the request has none. */
  private static ObjectNode echoed(Fields fields) {
    ObjectNode echoed = Json.object();
    echo(echoed, fields, "instructions", "null");
    echo(echoed, fields, "max_output_tokens", "null");
    echo(echoed, fields, "metadata", "{}");
    echo(echoed, fields, "parallel_tool_calls", "true");
    echo(echoed, fields, "temperature", "null");
    echo(echoed, fields, "text", "{\"format\":{\"type\":\"text\"}}");
    echo(echoed, fields, "tool_choice", "\"auto\"");
    echo(echoed, fields, "tools", "[]");
    echo(echoed, fields, "top_logprobs", "0");
    echo(echoed, fields, "top_p", "null");
    echo(echoed, fields, "truncation", "\"disabled\"");
    JsonNode metadata = echoed.get("metadata");
    if (!metadata.isObject()) {
      throw fields.invalid("metadata", metadata, "an object");
    }
    return echoed;
  }

  private static void echo(ObjectNode echoed, Fields fields, String name, String otherwise) {
    echoed.set(name, fields.value(name).orElseGet(() -> Json.own(otherwise)));
  }
}
