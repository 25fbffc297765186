package dev.baichuan4j.server.http;

import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpHeaderValue;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Answers that are given before a request comes to its endpoint. */
final class Answers {
  private Answers() {}

  /** Answers with an error. */
  static void refuse(Request request, Response response, Callback callback, ApiException error) {
    HttpFields.Mutable headers = response.getHeaders();
    response.setStatus(error.status());
    headers.put(HttpHeader.CONTENT_TYPE, "application/json");
    error
        .retryAfter()
        .ifPresent(time -> headers.put(HttpHeader.RETRY_AFTER, ApiErrors.seconds(time)));
    byte[] body = ApiErrors.json(error).getBytes(StandardCharsets.UTF_8);
    headers.put(HttpHeader.CONTENT_LENGTH, body.length);
    ByteBuffer sent = "HEAD".equals(request.getMethod()) ? null : ByteBuffer.wrap(body);
    response.write(true, sent, callback);
  }

  /**
   * As {@link #refuse}, and ends the connection: the rest of the request is not read, or no more
   * requests are wanted.
   */
  static void refuseAndClose(
      Request request, Response response, Callback callback, ApiException error) {
    response.getHeaders().put(HttpHeader.CONNECTION, HttpHeaderValue.CLOSE);
    refuse(request, response, callback, error);
  }
}
