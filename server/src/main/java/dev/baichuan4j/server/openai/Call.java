package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.PromptOverflow;
import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.ApiLimits;
import dev.baichuan4j.server.Caller;
import dev.baichuan4j.server.Models;
import io.javalin.http.Context;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * What the endpoints that take a request do alike: they read it, find its model and name what they
 * ignore.
 */
record Call(Context context, Models models, ApiLimits limits) {
  private static final String JSON = "application/json";
  private static final int MOST_NAMES = 20;

  /** Work on a model that is let go when it throws; what returns has taken it over. */
  interface Work {
    void run(Models.Use use);
  }

  /** The field by which a request names its model. */
  static Shape model() {
    return Shape.object()
        .text(
            "model",
            "A served model, or \"adapter:\" and the name of an adapter; the default model where it is"
                + " missing.");
  }

  /**
   * Reads the body.
   *
   * @throws ApiException 415 for another type than JSON, which a web page could send unasked; 400
   *     for what is not JSON, or has a field that is refused
   */
  Fields read(Shape shape) {
    String type = Optional.ofNullable(context.contentType()).orElse("");
    String bare = type.replaceFirst(";.*", "").strip();
    if (!bare.equalsIgnoreCase(JSON)) {
      throw ApiErrors.ofStatus(415, "Content-Type has \"" + bare + "\", expected \"" + JSON + "\"");
    }
    ObjectNode object = Json.read(context.bodyAsBytes());
    return Fields.of(shape, object);
  }

  /** Runs work on the model that a request names, once all of the request has been read. */
  void withModel(Fields request, String prompt, Work work) {
    String name = request.text("model").orElse("");
    tell(request.ignored());
    boolean known = models.cards().stream().anyMatch(card -> card.name().equals(name));
    Models.Use use = models.use(limits.anyModel() && !known ? "" : name);
    boolean taken = false;
    try {
      work.run(use);
      taken = true;
    } catch (ApiException e) {
      throw e;
    } catch (RuntimeException e) {
      throw Refusals.of(e, prompt);
    } finally {
      if (!taken) {
        use.close();
      }
    }
  }

  /** Names the fields of a request that have no effect. */
  void tell(List<String> ignored) {
    if (!ignored.isEmpty()) {
      context.header(
          "x-ignored-fields",
          ignored.stream()
              .limit(MOST_NAMES)
              .map(name -> name.replaceAll("[^\\w.\\[\\]-]", "?"))
              .map(name -> name.length() > 80 ? name.substring(0, 80) : name)
              .distinct()
              .collect(Collectors.joining(", ")));
    }
  }

  /** Returns the options of a text: what the model advises, the request, and who asks. */
  GenerationOptions options(Models.Use use, UnaryOperator<GenerationOptions> request) {
    GenerationOptions advised = use.model().defaultOptions();
    GenerationOptions options =
        request
            .apply(
                use.adapter()
                    .map(advised::withAdapter)
                    .orElse(advised)
                    .withPromptOverflow(PromptOverflow.FAIL))
            .withCaller(Caller.of(context).key())
            .withTimeout(limits.requestTimeout());
    int texts = options.bestOf().orElse(options.choices());
    if (texts > 1 && options.isGreedy()) {
      String field = options.bestOf().isPresent() ? "best_of" : "n";
      throw ApiException.invalid(
          field, field + " has " + texts + " beside temperature 0, expected 1, or drawing");
    }
    return options;
  }

  /** Checks the length of a prompt, before it is cut into tokens. */
  void requireShort(long characters, String field) {
    if (characters > limits.maxPromptCharacters()) {
      throw ApiException.of(
              400,
              ApiErrors.INVALID_REQUEST,
              "string_above_max_length",
              field
                  + " has "
                  + characters
                  + " characters, expected at most "
                  + limits.maxPromptCharacters())
          .at(field);
    }
  }

  /** Checks how many texts a request asks for. */
  void requireFew(long texts, String field) {
    if (texts > limits.maxChoices()) {
      throw ApiException.invalid(
          field,
          field + " has " + texts + " texts to write, expected at most " + limits.maxChoices());
    }
  }
}
