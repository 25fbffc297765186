package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.GenerationOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

/**
 * A request of {@code /v1/completions}.
 *
 * @param prompts one or more
 * @param options what the request changes of the options that the model advises
 * @param choices texts of each prompt
 * @param written texts of each prompt that are written, of which the best are told
 * @param streams whether the answer is a stream
 * @param tellsUsage whether a stream ends with the token counts
 * @param logprobs whether tokens are reported
 * @param echoes whether each text begins with its prompt
 */
record CompletionRequest(
    List<Prompt> prompts,
    UnaryOperator<GenerationOptions> options,
    int choices,
    int written,
    boolean streams,
    boolean tellsUsage,
    boolean logprobs,
    boolean echoes) {
  private static final int MOST_TOKENS = 10_000_000; // more than any context has
  private static final int DEFAULT_TOKENS = 16; // OpenAI's

  static final Shape SHAPE =
      Call.model()
          .any("prompt", Prompt.SCHEMA, "A text, token ids, or a list of one of these.")
          .required()
          .integer("max_tokens", 1, MOST_TOKENS, "Most tokens of a text; 16 at first.")
          .integer("n", 1, 128, "Texts of each prompt; more than one where tokens are drawn.")
          .integer("best_of", 1, 128, "Texts that are written, of which the likeliest n are told.")
          .flag("echo", "Whether a text begins with its prompt.")
          .integer("logprobs", 0, 20, "Reports tokens, and as many of the likeliest at each place.")
          .flag("stream", "Whether the answer comes in pieces, as server-sent events.")
          .object("stream_options", ChatRequest.STREAM_OPTIONS, "For a stream.")
          .with(Sampling.shape())
          .with(Bounds.shape())
          .refused("suffix", "the model was not trained to fill gaps.")
          .refused("messages", "take /v1/chat/completions.")
          .refused("tools", "take /v1/chat/completions.");

  static CompletionRequest read(Fields fields) {
    List<Prompt> prompts = Prompt.list(fields, "prompt");
    UnaryOperator<GenerationOptions> sampling = Sampling.read(fields);
    var constraint = Bounds.read(fields);
    int most = fields.integer("max_tokens").orElse(DEFAULT_TOKENS);
    int choices = fields.integer("n").orElse(1);
    OptionalInt bestOf = fields.integer("best_of");
    OptionalInt logprobs = fields.integer("logprobs");
    boolean echoes = fields.flag("echo", false);
    boolean streams = fields.flag("stream", false);
    if (bestOf.isPresent() && bestOf.getAsInt() < choices) {
      throw fields.invalid("best_of", bestOf.getAsInt() + " beside n " + choices, "as many");
    }
    if (bestOf.orElse(choices) > choices && streams) {
      throw fields.invalid("best_of", bestOf.getAsInt() + " beside stream", "n, or no stream");
    }
    if (echoes && streams && logprobs.isPresent()) {
      throw fields.invalid("echo", "true beside stream and logprobs", "two of them at most");
    }
    UnaryOperator<GenerationOptions> options =
        base -> {
          GenerationOptions o = sampling.apply(base).withChoices(choices).withEcho(echoes);
          o = o.withMaxNewTokens(most);
          o = bestOf.orElse(choices) > choices ? o.withBestOf(bestOf.getAsInt()) : o;
          o = logprobs.isPresent() ? o.withLogprobs(logprobs.getAsInt()) : o;
          return constraint.isPresent() ? o.withConstraint(constraint.get()) : o;
        };
    return new CompletionRequest(
        prompts,
        options,
        choices,
        bestOf.orElse(choices),
        streams,
        ChatRequest.tellsUsage(fields, streams),
        logprobs.isPresent(),
        echoes);
  }

  /** A text or token ids, one of which is null. */
  record Prompt(String text, int[] ids) {
    static final String SCHEMA =
        "{\"anyOf\":[{\"type\":\"string\"},"
            + "{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
            + "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
            + "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}}]}";

    private static final String EXPECTED = "a text, token ids, or a list of one of these";

    /** Reads one or more. */
    static List<Prompt> list(Fields fields, String name) {
      JsonNode value = fields.value(name).orElseThrow(() -> fields.missing(name, EXPECTED));
      if (value.isTextual() || isIds(value)) {
        return List.of(one(fields, name, value));
      }
      if (!value.isArray() || value.isEmpty()) {
        throw fields.invalid(
            name,
            value.isEmpty() && value.isArray() ? "an empty list" : Json.kind(value),
            EXPECTED);
      }
      List<Prompt> prompts = new ArrayList<>();
      for (JsonNode one : value) {
        prompts.add(one(fields, name + "[" + prompts.size() + "]", one));
      }
      return prompts;
    }

    private static boolean isIds(JsonNode value) {
      return value.isArray() && value.size() > 0 && value.get(0).isNumber();
    }

    private static Prompt one(Fields fields, String name, JsonNode value) {
      if (value.isTextual()) {
        if (value.textValue().isEmpty()) {
          throw fields.invalid(name, "an empty text", "a text");
        }
        return new Prompt(value.textValue(), null);
      }
      if (!isIds(value)) {
        throw fields.invalid(name, value, EXPECTED);
      }
      return new Prompt(null, ids(fields, name, value));
    }

    /** Reads token ids, which are not compared with a vocabulary. */
    static int[] ids(Fields fields, String name, JsonNode list) {
      int[] ids = new int[list.size()];
      for (int i = 0; i < ids.length; i++) {
        long id = Fields.wholeNumber(list.get(i)).orElse(-1);
        if (id < 0 || id > Integer.MAX_VALUE) {
          throw fields.invalid(name + "[" + i + "]", list.get(i), "a token id");
        }
        ids[i] = (int) id;
      }
      return ids;
    }

    /** Characters of the text, or ids. */
    static long length(List<Prompt> prompts) {
      return prompts.stream()
          .mapToLong(prompt -> prompt.text == null ? prompt.ids.length : prompt.text.length())
          .sum();
    }
  }
}
