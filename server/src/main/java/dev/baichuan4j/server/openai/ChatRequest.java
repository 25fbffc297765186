package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.PromptOverflow;
import dev.baichuan4j.TemplateVariables;
import dev.baichuan4j.ToolForm;
import dev.baichuan4j.tools.Tools;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

/**
 * A request of {@code /v1/chat/completions}.
 *
 * @param messages without the declarations of tools
 * @param tools those that the model may call; empty for none
 * @param sampling what the request changes of the options that the model advises, but for tools
 * @param choices texts that are asked for
 * @param streams whether the answer is a stream
 * @param tellsUsage whether a stream ends with the token counts
 * @param serviceTier as the request has it; empty where it has none
 */
record ChatRequest(
    List<ChatMessage> messages,
    Optional<Tools> tools,
    UnaryOperator<GenerationOptions> sampling,
    int choices,
    boolean streams,
    boolean tellsUsage,
    Optional<String> serviceTier) {
  private static final int MOST_TOKENS = 10_000_000; // more than any context has

  static final Shape STREAM_OPTIONS =
      Shape.object()
          .flag("include_usage", "Whether a chunk with the token counts ends the stream.")
          .refused(
              "include_obfuscation", Sampling.flag(false), "nothing is added to what is sent.");

  static final Shape SHAPE =
      Call.model()
          .with(Messages.shape())
          .integer("max_completion_tokens", 1, MOST_TOKENS, "Most tokens of an answer.")
          .integer("max_tokens", 1, MOST_TOKENS, "The older name of max_completion_tokens.")
          .integer("n", 1, 128, "Answers to write; more than one where tokens are drawn.")
          .flag("stream", "Whether the answer comes in pieces, as server-sent events.")
          .object("stream_options", STREAM_OPTIONS, "For a stream.")
          .flag("logprobs", "Whether each token is reported with its log-probability.")
          .integer("top_logprobs", 0, 20, "The likeliest tokens at each place, so many of them.")
          .choice(
              "truncation",
              List.of("disabled", "auto"),
              "Whether the oldest rounds are left out where there is no room.")
          .any(
              "chat_template_kwargs",
              "{\"type\":\"object\"}",
              "What the chat template of a model is given besides, such as enable_thinking.")
          .with(Sampling.shape())
          .with(Bounds.shape())
          .with(ToolFields.shape())
          .refused("store", Sampling.flag(false), "no answer is kept.")
          .refused("modalities", Json.own("[\"text\"]"), "the model writes text alone.")
          .refused("audio", "the model writes text alone.")
          .refused("web_search_options", "the model has no web.")
          .refused("reasoning_effort", "the model was not trained for it.")
          .refused("verbosity", Json.own("\"medium\""), "say it in a message.")
          .refused("functions", "take \"tools\".")
          .refused("function_call", "take \"tool_choice\".")
          .refused("best_of", "take \"n\", or /v1/completions.")
          .refused("echo", Sampling.flag(false), "take /v1/completions.")
          .refused(
              "add_generation_prompt",
              Sampling.flag(true),
              "an answer continues a last message of the assistant.")
          .refused("continue_final_message", "an answer continues a last message of the assistant.")
          .refused("chat_template", "messages are put together as the model was trained on them.")
          .refused("documents", "put them into a message.");

  static ChatRequest read(Fields fields) {
    List<ChatMessage> messages = Messages.read(fields);
    Optional<Tools> tools = ToolFields.read(fields);
    UnaryOperator<GenerationOptions> sampling = Sampling.read(fields);
    var constraint = Bounds.read(fields);
    OptionalInt most = mostTokens(fields);
    int choices = fields.integer("n").orElse(1);
    OptionalInt logprobs = logprobs(fields);
    boolean truncates = fields.text("truncation").orElse("").equals("auto");
    TemplateVariables variables = templateVariables(fields);
    UnaryOperator<GenerationOptions> options =
        base -> {
          GenerationOptions o = sampling.apply(base).withChoices(choices);
          o = o.withTemplateVariables(variables);
          o = most.isPresent() ? o.withMaxNewTokens(most.getAsInt()) : o;
          o = logprobs.isPresent() ? o.withLogprobs(logprobs.getAsInt()) : o;
          o = truncates ? o.withPromptOverflow(PromptOverflow.DROP_OLDEST_ROUNDS) : o;
          return constraint.isPresent() ? o.withConstraint(constraint.get()) : o;
        };
    boolean streams = fields.flag("stream", false);
    return new ChatRequest(
        messages,
        tools,
        options,
        choices,
        streams,
        tellsUsage(fields, streams),
        fields.text("service_tier"));
  }

  /** The request as a model is told of its tools. */
  ChatRequest in(ToolForm form) {
    return new ChatRequest(
        messages,
        tools.map(declared -> declared.withForm(form)),
        sampling,
        choices,
        streams,
        tellsUsage,
        serviceTier);
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

  static boolean tellsUsage(Fields fields, boolean streams) {
    Optional<Fields> options = fields.object("stream_options");
    if (options.isPresent() && !streams) {
      throw fields.invalid("stream_options", "a value without \"stream\"", "none, or a stream");
    }
    return options.isPresent() && options.get().flag("include_usage", false);
  }

  private static TemplateVariables templateVariables(Fields fields) {
    String name = "chat_template_kwargs";
    Optional<JsonNode> value = fields.value(name);
    if (value.isEmpty()) {
      return TemplateVariables.NONE;
    }
    if (!value.get().isObject()) {
      throw fields.invalid(name, value.get(), "an object");
    }
    try {
      return TemplateVariables.of(Json.values(value.get()));
    } catch (InvalidRequestException e) {
      throw Refusals.of(e, "messages");
    }
  }

  private static OptionalInt mostTokens(Fields fields) {
    OptionalInt newer = fields.integer("max_completion_tokens");
    OptionalInt older = fields.integer("max_tokens");
    if (newer.isPresent() && older.isPresent() && !newer.equals(older)) {
      JsonNode value = fields.value("max_tokens").orElseThrow();
      throw fields.invalid(
          "max_tokens", Json.kind(value) + " beside max_completion_tokens", "one of both");
    }
    return newer.isPresent() ? newer : older;
  }

  private static OptionalInt logprobs(Fields fields) {
    boolean reports = fields.flag("logprobs", false);
    OptionalInt top = fields.integer("top_logprobs");
    if (top.isPresent() && !reports) {
      if (top.getAsInt() > 0) {
        throw fields.invalid("top_logprobs", top.getAsInt() + " without logprobs", "logprobs too");
      }
      return OptionalInt.empty();
    }
    return reports ? OptionalInt.of(top.orElse(0)) : OptionalInt.empty();
  }
}
