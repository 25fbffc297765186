package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Priority;
import dev.baichuan4j.server.ApiException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;

/** The fields that say how a text is chosen, which chats and plain completions have in common. */
final class Sampling {
  private static final int MOST_STOPS = 16;
  private static final int MOST_BANNED = 1024;
  private static final long MOST_TOKENS = 10_000_000; // more than any context has

  private Sampling() {}

  static Shape shape() {
    return Shape.object()
        .number("temperature", 0, 2, "Divides the scores before drawing; 0 takes the likeliest.")
        .number("top_p", 0, 1, "The likeliest tokens stay, up to this probability together.")
        .integer("top_k", -1, 1_000_000, "The best tokens stay, so many; 0 or -1 for all.")
        .number("min_p", 0, 1, "Tokens stay that have this share of the likeliest's probability.")
        .number("typical_p", 0.001, 1, "The most typical tokens stay, up to this probability.")
        .number("repetition_penalty", 0.01, 100, "Divides scores of tokens seen; 1 for none.")
        .number("frequency_penalty", -2, 2, "Taken from a score for each time it was written.")
        .number("presence_penalty", -2, 2, "Taken from the score of what was written.")
        .any(
            "logit_bias",
            "{\"type\":\"object\",\"additionalProperties\":"
                + "{\"type\":\"number\",\"minimum\":-100,\"maximum\":100}}",
            "Added to scores, by token id.")
        .integer("seed", Long.MIN_VALUE, Long.MAX_VALUE, "The same seed gives the same text.")
        .any(
            "stop",
            "{\"anyOf\":[{\"type\":\"string\"},"
                + "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":16}]}",
            "Texts before the first of which the answer ends; up to 16.")
        .any(
            "bad_words",
            "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
            "Texts that are never written.")
        .integer("min_tokens", 0, MOST_TOKENS, "Tokens before which the model cannot end.")
        .flag("ignore_eos", "Whether the model can never end its text.")
        .any(
            "priority",
            "{\"anyOf\":[{\"enum\":[\"low\",\"normal\",\"high\"]},{\"type\":\"integer\"}]}",
            "How soon the request is due among those that wait; as a number, less is sooner.")
        .choice(
            "service_tier",
            List.of("auto", "default", "flex", "priority"),
            "flex is the priority low, priority the priority high, the others are normal.")
        .text(
            "cache_salt",
            "Requests take over only what requests with the same salt have computed of a prompt.")
        .unused("user", "A name of the end user")
        .unused("safety_identifier", "A name of the end user")
        .unused("metadata", "Notes for who keeps answers")
        .unused("prompt_cache_key", "Leads requests to the same machine")
        .unused("prompt_cache_retention", "How long a prompt is kept")
        .unused("prediction", "Text that the answer is expected to repeat, for speed alone")
        .refused("stop_token_ids", "end the text by \"stop\".")
        .refused("allowed_token_ids", "bind the text by \"guided_regex\" or \"guided_choice\".")
        .refused("use_beam_search", flag(false), "there is drawing alone.")
        .refused("length_penalty", "it is for beam search.")
        .refused("include_stop_str_in_output", flag(false), "a text ends before what stops it.")
        .refused("skip_special_tokens", flag(true), "marks have no text.")
        .refused("truncate_prompt_tokens", "shorten the prompt, of which nothing is left out.")
        .refused("prompt_logprobs", "take /v1/completions with \"echo\" and \"logprobs\".")
        .refused("logits_processors", "no code of a request is run.");
  }

  static JsonNode flag(boolean value) {
    return Json.own(Boolean.toString(value));
  }

  /** Reads them; what they change is applied to the options that a model advises. */
  static UnaryOperator<GenerationOptions> read(Fields fields) {
    List<UnaryOperator<GenerationOptions>> changes = new ArrayList<>();
    boolean draws = false;
    for (String name : List.of("temperature", "top_p", "top_k", "min_p", "typical_p", "seed")) {
      draws |= fields.has(name);
    }
    if (draws) { // where a model advises the likeliest token, these would have no effect
      changes.add(o -> o.withDoSample(true));
    }
    number(fields, "temperature", changes, GenerationOptions::withTemperature);
    // The least probability leaves the likeliest token.
    number(fields, "top_p", changes, (o, p) -> o.withTopP(Math.max(p, Float.MIN_NORMAL)));
    number(fields, "min_p", changes, GenerationOptions::withMinP);
    number(fields, "typical_p", changes, GenerationOptions::withTypicalP);
    number(fields, "repetition_penalty", changes, GenerationOptions::withRepetitionPenalty);
    number(fields, "frequency_penalty", changes, GenerationOptions::withFrequencyPenalty);
    number(fields, "presence_penalty", changes, GenerationOptions::withPresencePenalty);
    fields.integer("top_k").ifPresent(k -> changes.add(o -> o.withTopK(Math.max(0, k))));
    fields.wholeNumber("seed").ifPresent(seed -> changes.add(o -> o.withSeed(seed)));
    fields.integer("min_tokens").ifPresent(n -> changes.add(o -> o.withMinNewTokens(n)));
    fields.flag("ignore_eos").ifPresent(on -> changes.add(o -> o.withIgnoreEnd(on)));
    if (fields.has("logit_bias")) {
      Map<Integer, Float> bias = bias(fields);
      changes.add(o -> o.withLogitBias(bias));
    }
    String[] stop = notEmpty(fields, "stop", MOST_STOPS);
    String[] banned = notEmpty(fields, "bad_words", MOST_BANNED);
    Priority priority = priority(fields);
    String salt = fields.text("cache_salt").orElse("");
    changes.add(o -> o.withStop(stop).withBannedWords(banned).withPriority(priority));
    if (!salt.isEmpty()) {
      changes.add(o -> o.withCacheSalt(salt));
    }
    return options -> {
      GenerationOptions changed = options;
      for (UnaryOperator<GenerationOptions> change : changes) {
        changed = change.apply(changed);
      }
      return changed;
    };
  }

  private interface Setter {
    GenerationOptions set(GenerationOptions options, float value);
  }

  private static void number(
      Fields fields, String name, List<UnaryOperator<GenerationOptions>> changes, Setter setter) {
    OptionalDouble value = fields.number(name);
    if (value.isPresent()) {
      changes.add(options -> setter.set(options, (float) value.getAsDouble()));
    }
  }

  private static String[] notEmpty(Fields fields, String name, int most) {
    List<String> texts = fields.texts(name, most);
    if (texts.contains("")) {
      throw fields.invalid(name, "an empty text", "texts that are not empty");
    }
    return texts.toArray(String[]::new);
  }

  private static Map<Integer, Float> bias(Fields fields) {
    JsonNode value = fields.value("logit_bias").orElseThrow();
    if (!value.isObject()) {
      throw fields.invalid("logit_bias", value, "an object of numbers by token id");
    }
    Map<Integer, Float> bias = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> member : value.properties()) {
      String name = member.getKey();
      if (!name.matches("\\d{1,9}")) {
        throw fields.invalid("logit_bias", "the name \"" + name + "\"", "token ids");
      }
      JsonNode number = member.getValue();
      if (!number.isNumber()
          || number.decimalValue().abs().compareTo(BigDecimal.valueOf(100)) > 0) {
        throw fields.invalid("logit_bias." + name, number, "a number in [-100, 100]");
      }
      bias.put(Integer.valueOf(name), number.floatValue());
    }
    return bias;
  }

  private static Priority priority(Fields fields) {
    String tier = fields.text("service_tier").orElse("auto");
    Priority byTier =
        switch (tier) {
          case "flex" -> Priority.LOW;
          case "priority" -> Priority.HIGH;
          default -> Priority.NORMAL;
        };
    if (!fields.has("priority")) {
      return byTier;
    }
    JsonNode value = fields.value("priority").orElseThrow();
    OptionalLong number = Fields.wholeNumber(value);
    Priority asked;
    if (number.isPresent()) {
      long n = number.getAsLong();
      asked = n < 0 ? Priority.HIGH : n == 0 ? Priority.NORMAL : Priority.LOW;
    } else {
      asked =
          switch (value.asText()) {
            case "low" -> Priority.LOW;
            case "normal" -> Priority.NORMAL;
            case "high" -> Priority.HIGH;
            default ->
                throw fields.invalid("priority", value, "low, normal, high or a whole number");
          };
    }
    if (fields.has("service_tier") && !tier.equals("auto") && asked != byTier) {
      throw ApiException.invalid(
          "priority",
          "priority has "
              + Json.kind(value)
              + " beside service_tier "
              + tier
              + ", expected one of both");
    }
    return asked;
  }
}
