package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.QueueFullException;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A request that is not answered, with what its client is told. */
final class Refusal extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final Logger log = LoggerFactory.getLogger(Refusal.class);

  /** Names of parameters by the library's names. */
  private static final Map<String, String> NAMES =
      Map.of(
          "topP", "top_p",
          "topK", "top_k",
          "repetitionPenalty", "repetition_penalty",
          "presencePenalty", "presence_penalty",
          "frequencyPenalty", "frequency_penalty",
          "maxNewTokens", "max_new_tokens",
          "stopTokens", "stop_token_ids",
          "bestOf", "best_of",
          "beamSearch.width", "best_of");

  private final ErrorCode code;

  Refusal(ErrorCode code, String message) {
    super(message);
    this.code = code;
  }

  /**
   * Returns the refusal that an exception means. One that nobody has foreseen says nothing of what
   * is inside; the log does.
   */
  static Refusal of(Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause instanceof Refusal known) {
      return known;
    }
    if (cause instanceof InvalidRequestException refused) {
      String name = refused.parameter();
      String message = refused.getMessage().replace(name, NAMES.getOrDefault(name, name));
      return new Refusal(ErrorCode.PARAM_OUT_OF_RANGE, message);
    }
    if (cause instanceof ContextOverflowException) {
      return new Refusal(ErrorCode.CONTEXT_OVERFLOW, cause.getMessage());
    }
    if (cause instanceof QueueFullException) {
      return new Refusal(ErrorCode.ENGINE_OVERLOADED, cause.getMessage());
    }
    log.error("A request failed", cause);
    return cause instanceof OutOfDeviceMemoryException
        ? new Refusal(
            ErrorCode.CUDA_OUT_OF_MEMORY, "The worker has no memory for this at the moment.")
        : new Refusal(ErrorCode.INTERNAL_ERROR, "The worker failed to answer; its log says why.");
  }

  /** Returns what a client gets in place of an answer. */
  ObjectNode json() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("text", getMessage())
        .put("error_code", code.number());
  }

  ErrorCode code() {
    return code;
  }
}
