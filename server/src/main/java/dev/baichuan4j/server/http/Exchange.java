package dev.baichuan4j.server.http;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * A request and its answer, when both are over.
 *
 * @param id of the request
 * @param method of the request, as it was sent
 * @param path of the request, without its query
 * @param route the path of the endpoint as it was declared; empty where none was reached
 * @param caller whose request it was; empty where that was not known
 * @param status of the response
 * @param complete whether all of the response was taken by the client
 * @param time from the end of the request's headers to the end of the response
 * @param responseBytes bytes of the response's body
 * @param requestText the body of the request, where texts are logged
 * @param responseText the body of the response, where texts are logged
 */
public record Exchange(
    String id,
    String method,
    String path,
    Optional<String> route,
    Optional<String> caller,
    int status,
    boolean complete,
    Duration time,
    long responseBytes,
    Optional<String> requestText,
    Optional<String> responseText) {
  /**
   * Checks that every component is present.
   *
   * @throws NullPointerException if one is null
   */
  public Exchange {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(method, "method");
    Objects.requireNonNull(path, "path");
    Objects.requireNonNull(route, "route");
    Objects.requireNonNull(caller, "caller");
    Objects.requireNonNull(time, "time");
    Objects.requireNonNull(requestText, "requestText");
    Objects.requireNonNull(responseText, "responseText");
  }

  /** Is told of every exchange, on the thread that ends it: it should return quickly. */
  @FunctionalInterface
  public interface Listener {
    /** Takes an exchange. */
    void ended(Exchange exchange);
  }
}
