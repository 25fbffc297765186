package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.node.TextNode;
import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.GenerationOptions;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A text that a client asks for.
 *
 * @param prompt the ids of the prompt, at least one
 * @param options how it is continued
 */
record GenerateRequest(int[] prompt, GenerationOptions options) {
  private static final Logger log = LoggerFactory.getLogger(GenerateRequest.class);

  /** Below these FastChat takes the likeliest token. */
  private static final double LEAST_TEMPERATURE = 1e-5;

  private static final double LEAST_TOP_P = 1e-8;
  private static final int DEFAULT_NEW_TOKENS = 256;

  private static final Set<String> KNOWN =
      Set.of(
          "model",
          "prompt",
          "temperature",
          "top_p",
          "top_k",
          "repetition_penalty",
          "presence_penalty",
          "frequency_penalty",
          "max_new_tokens",
          "echo",
          "logprobs",
          "stop",
          "stop_token_ids",
          "best_of",
          "use_beam_search",
          "n",
          "images");

  /**
   * Reads a request, with FastChat's defaults.
   *
   * @param contextLength most tokens of prompt and answer together
   * @throws Refusal if a parameter is missing, unknown, of a wrong type or out of its range
   * @throws dev.baichuan4j.InvalidRequestException if one is out of the range that it has for every
   *     request
   */
  static GenerateRequest of(Parameters parameters, Prompts prompts, int contextLength) {
    parameters.requireKnown(KNOWN);
    refuseWhatIsNotWritten(parameters);
    GenerationOptions options = choice(parameters);
    options = beamsOrBest(parameters, options);
    options = ends(parameters, options);
    options = options.withEcho(parameters.flag("echo", true));
    OptionalInt logprobs = parameters.integer("logprobs");
    if (logprobs.isPresent()) {
      options = options.withLogprobs(logprobs.getAsInt());
    }
    int newTokens = parameters.integer("max_new_tokens").orElse(DEFAULT_NEW_TOKENS);
    if (newTokens < 1 || newTokens >= contextLength) {
      throw Parameters.outOfRange(
          "max_new_tokens", newTokens, "1 to " + (contextLength - 1) + ", less than the context");
    }
    int[] prompt = prompts.encode(parameters.text("prompt"));
    if (prompt.length == 0) {
      throw Parameters.outOfRange("prompt", "no token", "at least one");
    }
    return new GenerateRequest(
        truncate(prompt, contextLength - newTokens), options.withMaxNewTokens(newTokens));
  }

  private static void refuseWhatIsNotWritten(Parameters parameters) {
    int texts = parameters.integer("n").orElse(1);
    if (texts != 1) {
      throw Parameters.outOfRange("n", texts, "1, and a request for each text");
    }
    if (parameters.value("images").filter(images -> !images.isEmpty()).isPresent()) {
      throw Parameters.outOfRange("images", "images", "none, because this model reads text alone");
    }
  }

  private static GenerationOptions choice(Parameters parameters) {
    double temperature = parameters.number("temperature", 1);
    double topP = parameters.number("top_p", 1);
    int topK = parameters.integer("top_k").orElse(-1);
    if (topK < -1) {
      throw Parameters.outOfRange("top_k", topK, "at least 1, or -1 for all tokens");
    }
    GenerationOptions options =
        GenerationOptions.unmodified()
            .withTemperature((float) temperature)
            .withTopK(Math.max(0, topK))
            .withRepetitionPenalty((float) parameters.number("repetition_penalty", 1))
            .withPresencePenalty((float) parameters.number("presence_penalty", 0))
            .withFrequencyPenalty((float) parameters.number("frequency_penalty", 0));
    boolean likeliest = topP >= 0 && topP < LEAST_TOP_P;
    return (likeliest ? options : options.withTopP((float) topP))
        .withDoSample(!likeliest && temperature >= LEAST_TEMPERATURE);
  }

  /** What FastChat's server asks of engines that can: the best of several, or a beam search. */
  private static GenerationOptions beamsOrBest(Parameters parameters, GenerationOptions options) {
    int best = parameters.integer("best_of").orElse(1);
    if (!parameters.flag("use_beam_search", false)) {
      if (best > 1 && options.isGreedy()) {
        throw Parameters.outOfRange("best_of", best, "1 beside temperature 0");
      }
      return best == 1 ? options : options.withBestOf(best);
    }
    if (!options.isGreedy()) {
      throw Parameters.outOfRange("use_beam_search", true, "false, or temperature 0");
    }
    if (best < 2) {
      throw Parameters.outOfRange("best_of", best, "at least 2, the width of the beam search");
    }
    return options.withBeamSearch(new BeamSearch(best, 1));
  }

  private static GenerationOptions ends(Parameters parameters, GenerationOptions options) {
    // One empty text is none, as for FastChat; one in a list is refused.
    boolean none = parameters.value("stop").filter(new TextNode("")::equals).isPresent();
    List<String> stop = none ? List.of() : parameters.texts("stop");
    return options
        .withStop(stop.toArray(String[]::new))
        .withStopTokens(parameters.integers("stop_token_ids"));
  }

  /** Leaves out the first tokens of a prompt that is too long, and says so. */
  private static int[] truncate(int[] prompt, int room) {
    int cut = prompt.length - room;
    if (cut <= 0) {
      return prompt;
    }
    log.warn(
        "The first {} of {} tokens of a prompt were left out: max_new_tokens leaves room for {}",
        cut,
        prompt.length,
        room);
    return Arrays.copyOfRange(prompt, cut, prompt.length);
  }
}
