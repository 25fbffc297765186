package dev.baichuan4j.server;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/** A request that is refused, with what a client is told, in the shape of OpenAI's errors. */
public final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String type;
  private final String param;
  private final String code;
  private final Duration retryAfter;

  private ApiException(
      int status, String type, String param, String code, Duration retryAfter, String message) {
    super(Objects.requireNonNull(message, "message"));
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** Returns the refusal of a field that is missing, of a wrong type or out of its range. */
  public static ApiException invalid(String param, String message) {
    return new ApiException(400, "invalid_request_error", param, "invalid_value", null, message);
  }

  /** Returns the refusal of a request as a whole. */
  public static ApiException invalid(String message) {
    return new ApiException(400, "invalid_request_error", null, "invalid_request", null, message);
  }

  /** Returns a refusal with a status of its own. */
  public static ApiException of(int status, String type, String code, String message) {
    return new ApiException(status, type, null, code, null, message);
  }

  /** Returns the refusal of a request that may be sent again later. */
  public static ApiException busy(
      int status, String type, String code, Duration retryAfter, String message) {
    return new ApiException(status, type, null, code, retryAfter, message);
  }

  /** Returns the same refusal, of a field. */
  public ApiException at(String field) {
    ApiException same = new ApiException(status, type, field, code, retryAfter, getMessage());
    same.initCause(this);
    return same;
  }

  /** Returns the status of the response. */
  public int status() {
    return status;
  }

  /** Returns {@code error.type}. */
  public String type() {
    return type;
  }

  /** Returns the field of the request that is at fault, as {@code messages[2].content}. */
  public Optional<String> param() {
    return Optional.ofNullable(param);
  }

  /** Returns {@code error.code}. */
  public String code() {
    return code;
  }

  /** Returns after what time the request may be sent again; empty where that would not help. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }
}
