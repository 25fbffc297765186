package dev.baichuan4j.server.http;

import dev.baichuan4j.server.Caller;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Tells listeners of each {@link Exchange}. */
final class Exchanges extends Handler.Wrapper {
  /** The attribute of a request that has the body, as a {@link ByteBuffer}, once it was read. */
  static final String BODY = "body";

  /** Most bytes of a body that are logged. */
  private static final int MAX_TEXT = 64 << 10;

  private final List<Exchange.Listener> listeners;
  private final boolean texts;

  Exchanges(List<Exchange.Listener> listeners, boolean texts) {
    this.listeners = listeners;
    this.texts = texts;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    if (listeners.isEmpty()) {
      return super.handle(request, response, callback);
    }
    long start = System.nanoTime();
    Counted counted = new Counted(request, response);
    Request.addCompletionListener(
        request,
        failure -> {
          Exchange exchange = exchange(request, counted, failure == null, start);
          listeners.forEach(listener -> listener.ended(exchange));
        });
    return super.handle(request, counted, callback);
  }

  private Exchange exchange(Request request, Counted response, boolean complete, long start) {
    return new Exchange(
        Entrance.id(request),
        request.getMethod(),
        Request.getPathInContext(request),
        Optional.ofNullable((String) request.getAttribute(Endpoints.ROUTE)),
        Optional.ofNullable((Caller) request.getAttribute(Caller.ATTRIBUTE)).map(Caller::key),
        response.getStatus(),
        complete,
        Duration.ofNanos(System.nanoTime() - start),
        response.count,
        texts
            ? Optional.ofNullable((ByteBuffer) request.getAttribute(BODY)).map(Exchanges::text)
            : Optional.empty(),
        texts ? Optional.of(text(response.text.content())) : Optional.empty());
  }

  private static String text(ByteBuffer bytes) {
    int size = bytes.remaining();
    ByteBuffer first = bytes.duplicate().limit(bytes.position() + Math.min(size, MAX_TEXT));
    String text = StandardCharsets.UTF_8.decode(first).toString();
    return size > MAX_TEXT ? text + "... (" + (size - MAX_TEXT) + " bytes more)" : text;
  }

  /** A response whose bytes are counted. One thread at a time writes. */
  private final class Counted extends Response.Wrapper {
    private final Bytes text = new Bytes();
    private volatile long count;

    Counted(Request request, Response response) {
      super(request, response);
    }

    @Override
    public void write(boolean last, ByteBuffer bytes, Callback callback) {
      if (bytes != null) {
        count += bytes.remaining();
        if (texts && text.size() <= MAX_TEXT) {
          text.add(bytes.duplicate());
        }
      }
      super.write(last, bytes, callback);
    }
  }
}
