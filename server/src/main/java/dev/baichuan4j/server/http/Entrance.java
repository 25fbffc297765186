package dev.baichuan4j.server.http;

import dev.baichuan4j.server.Cancellation;
import java.util.concurrent.ThreadLocalRandom;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.PreEncodedHttpField;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * Gives each request an id and a {@link Cancellation}, and each response the headers that keep a
 * browser from doing more with it than it should. An endpoint may set its own value of a header.
 */
final class Entrance extends Handler.Wrapper {
  static final String REQUEST_ID = "x-request-id";

  /** Longest id of a client's that is taken over. */
  private static final int MAX_ID = 128;

  private static final HttpField[] HEADERS = {
    new PreEncodedHttpField("X-Content-Type-Options", "nosniff"),
    new PreEncodedHttpField("X-Frame-Options", "DENY"),
    new PreEncodedHttpField("Referrer-Policy", "no-referrer"),
    new PreEncodedHttpField("Cross-Origin-Resource-Policy", "same-origin"),
    new PreEncodedHttpField(
        "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    new PreEncodedHttpField("Cache-Control", "no-store"),
  };

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    setHeaders(request, response);
    request.setAttribute(Cancellation.ATTRIBUTE, new Cancellation());
    // A model that computes for long is no reason to end the connection.
    request.addIdleTimeoutListener(timeout -> false);
    return super.handle(request, response, callback);
  }

  /** Sets what every response has. */
  static void setHeaders(Request request, Response response) {
    HttpFields.Mutable headers = response.getHeaders();
    for (HttpField header : HEADERS) {
      headers.put(header);
    }
    headers.put(REQUEST_ID, id(request));
  }

  /** The id that the client has given, or one that is made here. */
  static String id(Request request) {
    if (request.getAttribute(REQUEST_ID) instanceof String known) {
      return known;
    }
    String given = request.getHeaders().get(REQUEST_ID);
    String id = given != null && isUsable(given) ? given : random();
    request.setAttribute(REQUEST_ID, id);
    return id;
  }

  private static boolean isUsable(String id) {
    return !id.isEmpty() && id.length() <= MAX_ID && id.chars().allMatch(c -> c > ' ' && c < 0x7F);
  }

  /** An id tells requests apart and is no secret. */
  private static String random() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    return "req_%016x%016x".formatted(random.nextLong(), random.nextLong());
  }
}
