package dev.baichuan4j.server;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OperationTimeoutException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.QueueFullException;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a client is told of an exception, in the shape of OpenAI's errors. */
public final class ApiErrors {
  private static final Logger LOG = LoggerFactory.getLogger(ApiErrors.class);
  private static final JsonFactory JSON = new JsonFactory();

  /** The type of what is the client's fault. */
  public static final String INVALID_REQUEST = "invalid_request_error";

  /** The type of what is not the client's fault. */
  public static final String SERVER_ERROR = "server_error";

  private static final String RATE_LIMIT = "rate_limit_error";

  private ApiErrors() {}

  /**
   * Returns the refusal that an exception means. One that nobody has foreseen is a 500 which says
   * nothing of what is inside; the log does.
   */
  public static ApiException of(Throwable failure) {
    Throwable cause = unwrap(failure);
    if (cause instanceof ApiException known) {
      return known;
    }
    if (cause instanceof InvalidRequestException e) {
      return ApiException.invalid(e.parameter(), e.getMessage());
    }
    if (cause instanceof ContextOverflowException e) {
      return ApiException.of(400, INVALID_REQUEST, "context_length_exceeded", e.getMessage());
    }
    if (cause instanceof QueueFullException e) {
      return ApiException.busy(
          429, RATE_LIMIT, "queue_full", Duration.ofSeconds(1), e.getMessage());
    }
    if (cause instanceof OperationTimeoutException e) {
      return ApiException.of(504, SERVER_ERROR, "timeout", e.getMessage());
    }
    if (cause instanceof OperationInterruptedException) {
      return ApiException.of(503, SERVER_ERROR, "shutting_down", "The server ends.");
    }
    if (cause instanceof OutOfDeviceMemoryException) {
      LOG.error("A request found no memory", cause);
      return ApiException.busy(
          503,
          SERVER_ERROR,
          "out_of_memory",
          Duration.ofSeconds(10),
          "The server has no memory for this request at the moment.");
    }
    if (cause instanceof HttpResponseException e) {
      return ofStatus(e.getStatus(), e.getMessage());
    }
    LOG.error("A request failed", cause);
    return ApiException.of(
        500, SERVER_ERROR, "internal_error", "The server failed to answer; its log says why.");
  }

  /** Returns the refusal of a request by the HTTP layer. */
  public static ApiException ofStatus(int status, String message) {
    return switch (status) {
      case 401 -> ApiException.of(401, INVALID_REQUEST, "invalid_api_key", message);
      case 404 -> ApiException.of(404, INVALID_REQUEST, "not_found", message);
      case 405 -> ApiException.of(405, INVALID_REQUEST, "method_not_allowed", message);
      case 408 -> ApiException.of(408, INVALID_REQUEST, "request_timeout", message);
      case 413 -> ApiException.of(413, INVALID_REQUEST, "request_too_large", message);
      case 415 -> ApiException.of(415, INVALID_REQUEST, "unsupported_media_type", message);
      default ->
          status < 500
              ? ApiException.of(status, INVALID_REQUEST, "invalid_request", message)
              : ApiException.of(status, SERVER_ERROR, "internal_error", message);
    };
  }

  /** Answers a request with an error. */
  public static void write(Context context, Throwable failure) {
    ApiException error = of(failure);
    byte[] body = json(error).getBytes(StandardCharsets.UTF_8);
    context.status(error.status()).contentType("application/json").result(body);
    error
        .retryAfter()
        .ifPresent(time -> context.header("Retry-After", Long.toString(seconds(time))));
  }

  /** Returns the value of {@code Retry-After}: whole seconds, at least one. */
  public static long seconds(Duration time) {
    return Math.max(1, time.plusMillis(999).toSeconds());
  }

  /** Returns an error as JSON text: {@code {"error":{"message":..., ...}}}. */
  public static String json(ApiException error) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeObjectFieldStart("error");
      json.writeStringField("message", error.getMessage());
      json.writeStringField("type", error.type());
      json.writeStringField("param", error.param().orElse(null));
      json.writeStringField("code", error.code());
      json.writeEndObject();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // A StringWriter does not fail.
    }
    return text.toString();
  }

  private static Throwable unwrap(Throwable failure) {
    Throwable inner = failure;
    while ((inner instanceof CompletionException || inner instanceof ExecutionException)
        && inner.getCause() != null) {
      inner = inner.getCause();
    }
    return inner;
  }
}
