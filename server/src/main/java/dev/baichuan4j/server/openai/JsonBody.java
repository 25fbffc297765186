package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.server.stream.ResponseBody;
import io.javalin.http.Context;

/** A response that is one JSON value, made later than its handler returns. */
final class JsonBody {
  private static final String TYPE = "application/json";

  private final ResponseBody body;
  private volatile long length;

  /** Takes over the response. */
  JsonBody(Context context) {
    this.body =
        new ResponseBody(
            context,
            () -> {
              context.contentType(TYPE);
              context.res().setContentLengthLong(length);
            });
  }

  /** Answers at once. */
  static void send(Context context, JsonNode value) {
    context.contentType(TYPE).result(Json.bytes(value));
  }

  void send(JsonNode value) {
    byte[] bytes = Json.bytes(value);
    length = bytes.length;
    body.write(bytes);
    body.end();
  }

  /**
   * Answers with what a failure means.
   *
   * @param headers sets headers of that answer
   */
  void fail(RuntimeException failure, Runnable headers) {
    body.fail(failure, headers);
  }
}
