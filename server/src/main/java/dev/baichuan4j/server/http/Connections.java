package dev.baichuan4j.server.http;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpStream;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Bounds the number of connections, and the time that each may wait without a complete request.
 * Where one more than the limit comes, the one that has waited longest is closed for it, so that
 * connections which do nothing never keep others out.
 */
final class Connections extends Handler.Wrapper implements Connection.Listener {
  private static final Duration LOOK = Duration.ofMillis(500);

  private final int limit;
  private final long headerNanos;
  private final long idleNanos;

  /** Connections that have no complete request, the one that waits longest first. */
  private final Map<Connection, Long> deadlines = new LinkedHashMap<>();

  private int open;
  private Scheduler.Task look;

  Connections(HttpSettings.Limits limits) {
    this.limit = limits.connections();
    this.headerNanos = limits.headerTimeout().toNanos();
    this.idleNanos = limits.idleTimeout().toNanos();
  }

  @Override
  public void onOpened(Connection connection) {
    if (!isOfHttp(connection)) {
      return;
    }
    Connection last;
    synchronized (this) {
      open++;
      last = open > limit ? longestWaiting(connection) : null;
      if (last != connection) {
        deadlines.put(connection, System.nanoTime() + headerNanos);
      }
    }
    if (last != null) {
      last.getEndPoint().close(); // without a word: there is no request to answer
    }
  }

  @Override
  public void onClosed(Connection connection) {
    if (isOfHttp(connection)) {
      synchronized (this) {
        open--;
        deadlines.remove(connection);
      }
    }
  }

  /** TLS has a connection of its own below that of HTTP. */
  private static boolean isOfHttp(Connection connection) {
    return connection instanceof org.eclipse.jetty.server.ConnectionMetaData;
  }

  private Connection longestWaiting(Connection otherwise) {
    Iterator<Connection> waiting = deadlines.keySet().iterator();
    if (!waiting.hasNext()) {
      return otherwise;
    }
    Connection first = waiting.next();
    waiting.remove();
    return first;
  }

  /** Returns the connections that are open. */
  synchronized int open() {
    return open;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    Connection connection = request.getConnectionMetaData().getConnection();
    synchronized (this) {
      deadlines.remove(connection);
    }
    request.addHttpStreamWrapper(stream -> new Ending(stream, connection));
    return super.handle(request, response, callback);
  }

  /** Is told of the end of a response, before the next request is read. */
  private final class Ending extends HttpStream.Wrapper {
    private final Connection connection;

    Ending(HttpStream stream, Connection connection) {
      super(stream);
      this.connection = connection;
    }

    @Override
    public void succeeded() {
      if (connection.getEndPoint().isOpen()) {
        synchronized (Connections.this) {
          deadlines.put(connection, System.nanoTime() + idleNanos);
        }
      }
      super.succeeded();
    }
  }

  @Override
  protected void doStart() throws Exception {
    super.doStart();
    lookLater();
  }

  @Override
  protected void doStop() throws Exception {
    look.cancel();
    super.doStop();
  }

  private void lookLater() {
    Scheduler scheduler = getServer().getScheduler();
    look = scheduler.schedule(this::closeTheLate, LOOK.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void closeTheLate() {
    List<Connection> late = new ArrayList<>();
    long now = System.nanoTime();
    synchronized (this) {
      deadlines
          .entrySet()
          .removeIf(
              entry -> {
                boolean isLate = entry.getValue() - now < 0;
                if (isLate) {
                  late.add(entry.getKey());
                }
                return isLate;
              });
    }
    late.forEach(connection -> connection.getEndPoint().close());
    lookLater();
  }
}
