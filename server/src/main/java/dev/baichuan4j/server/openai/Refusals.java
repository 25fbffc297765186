package dev.baichuan4j.server.openai;

import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;

/** What the library refuses, told in the names that the fields of a request have. */
final class Refusals {
  /** The code of a text that has used up its time. */
  static final String TIMEOUT = "timeout";

  /** Fields by the library's names. */
  private static final Map<String, String> NAMES =
      Map.ofEntries(
          Map.entry("choices", "n"),
          Map.entry("bestOf", "best_of"),
          Map.entry("logitBias", "logit_bias"),
          Map.entry("maxNewTokens", "max_tokens"),
          Map.entry("minNewTokens", "min_tokens"),
          Map.entry("beamSearch", "tools"),
          Map.entry("choice", "tool_choice"),
          Map.entry("templateVariables", "chat_template_kwargs"),
          Map.entry("adapter", "model"),
          Map.entry("constraint", "response_format"));

  private Refusals() {}

  /** Returns the refusal of a field whose value the library refuses. */
  static ApiException of(InvalidRequestException refused, String field) {
    return ApiException.invalid(field, field + ": " + refused.getMessage());
  }

  /**
   * Returns what a client is told of a failure.
   *
   * @param prompt the field that has the prompt
   */
  static ApiException of(Throwable failure, String prompt) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof InvalidRequestException refused) {
      return ApiException.invalid(
          renamed(refused.parameter(), prompt), renamed(refused.getMessage(), prompt));
    }
    ApiException error = ApiErrors.of(cause);
    return cause instanceof ContextOverflowException ? error.at(prompt) : error;
  }

  private static String renamed(String text, String prompt) {
    String renamed = text;
    for (Map.Entry<String, String> name : NAMES.entrySet()) {
      renamed = renamed.replaceAll("\\b" + name.getKey() + "\\b", name.getValue());
    }
    return renamed.replaceAll("^(prompt|messages|texts?|ids)\\b", prompt);
  }

  /**
   * Returns what a client is told of a text that has ended too soon; empty for one that has not.
   */
  static Optional<ApiException> of(FinishReason reason) {
    return switch (reason) {
      case TIMEOUT ->
          Optional.of(
              ApiException.of(
                  504,
                  ApiErrors.SERVER_ERROR,
                  TIMEOUT,
                  "The answer has not ended within the time that the server gives to a request;"
                      + " ask for fewer tokens."));
      case CANCELLED ->
          Optional.of(
              ApiException.of(503, ApiErrors.SERVER_ERROR, "shutting_down", "The server ends."));
      default -> Optional.empty();
    };
  }
}
