package dev.baichuan4j.server.stream;

import io.javalin.http.Context;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * A response that is a stream of events. It begins with its first event, or with a heartbeat where
 * that is long in coming; a failure before is a response of its own.
 *
 * <p>Methods may be called from any thread, do not wait, and have no effect after the end.
 */
public final class EventStream {
  private final Framing framing;
  private final long heartbeatNanos;
  private final ResponseBody body;
  private volatile boolean quiet; // nothing was sent since the last beat

  /**
   * Takes over the response, as {@link ResponseBody} does.
   *
   * @param heartbeat after this time without an event a sign of life is sent
   */
  public EventStream(Context context, Framing framing, Duration heartbeat) {
    this.framing = Objects.requireNonNull(framing, "framing");
    this.heartbeatNanos = heartbeat.toNanos();
    this.body =
        new ResponseBody(
            context,
            new ResponseBody.Beginning() {
              @Override
              public void handlerReturned() {
                startHeartbeats();
              }

              @Override
              public void firstByte() {
                context.contentType(framing.contentType());
                context.header("Cache-Control", "no-cache");
                context.header("X-Accel-Buffering", "no"); // or a proxy collects what it gets
              }
            });
  }

  private void startHeartbeats() {
    ScheduledFuture<?> beats =
        AnswerThreads.clock()
            .scheduleWithFixedDelay(
                this::beat, heartbeatNanos, heartbeatNanos, TimeUnit.NANOSECONDS);
    body.whenOver(() -> beats.cancel(false));
  }

  private void beat() {
    if (quiet) {
      body.write(framing.heartbeat());
    }
    quiet = true;
  }

  /** Sends an event without a name. */
  public void send(String data) {
    send("", data);
  }

  /**
   * Sends an event.
   *
   * @param name its name; empty for none
   * @param data one line
   */
  public void send(String name, String data) {
    quiet = false;
    body.write(framing.frame(name, data));
  }

  /** As {@link ResponseBody#whenRoom}. */
  public void whenRoom(Runnable task) {
    body.whenRoom(task);
  }

  /**
   * As {@link ResponseBody#fail}: where this returns false, what has failed has to be told by an
   * event, and the stream be ended.
   */
  public boolean fail(RuntimeException failure, Runnable headers) {
    return body.fail(failure, headers);
  }

  /** Ends the stream. */
  public void end() {
    body.end();
  }
}
