package dev.baichuan4j.server.http;

import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Caller;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Has the body of a request in memory before its endpoint is called. It is read as it comes, so a
 * slow sender holds no thread, and within bounds: the bytes of one body, those of all bodies
 * together, and the time until it is complete. Of a request without a {@link Caller}, which has
 * come to a path that is open to everybody, nothing is read: it must not take the room of others.
 */
final class BodyReader extends Handler.Wrapper {
  /**
   * The part of Java's heap that bodies may take together. What is read from JSON takes up to
   * twenty times as much, for a while.
   */
  private static final int PART_OF_HEAP = 32;

  /** So many bytes are read of a body that was refused. */
  private static final long MOST_DROPPED = 64L << 20;

  private final int maxBytes;
  private final long maxTotal;
  private final Duration timeout;
  private final AtomicLong total = new AtomicLong();

  BodyReader(int maxBytes, Duration timeout) {
    this.maxBytes = maxBytes;
    this.maxTotal = Math.max(maxBytes, Runtime.getRuntime().maxMemory() / PART_OF_HEAP);
    this.timeout = timeout;
  }

  /** Returns the bytes of bodies that are in memory. */
  long bytes() {
    return total.get();
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    long length = request.getHeaders().getLongField(HttpHeader.CONTENT_LENGTH);
    boolean chunked = request.getHeaders().contains(HttpHeader.TRANSFER_ENCODING);
    boolean isOfCaller = request.getAttribute(Caller.ATTRIBUTE) != null;
    if (length > maxBytes) {
      boolean waits = request.getHeaders().contains(HttpHeader.EXPECT); // with the body
      Callback after =
          waits || !isOfCaller || length > MOST_DROPPED ? callback : new Rest(request, callback);
      Answers.refuseAndClose(request, response, after, tooLarge());
      return true;
    }
    if (length <= 0 && !chunked || !isOfCaller) {
      return super.handle(request, response, callback);
    }
    new Reading(request, response, callback).start();
    return true;
  }

  private ApiException tooLarge() {
    return ApiErrors.ofStatus(
        413, "The body of the request has more bytes than this server takes, " + maxBytes + ".");
  }

  /** One body. Only one thread at a time reads; the deadline may come from another. */
  private final class Reading implements Runnable {
    private final Request request;
    private final Response response;
    private final Callback callback;
    private final Bytes bytes = new Bytes();
    private final AtomicBoolean ended = new AtomicBoolean();
    private Scheduler.Task deadline;

    Reading(Request request, Response response, Callback callback) {
      this.request = request;
      this.response = response;
      this.callback = callback;
    }

    void start() {
      Request.addCompletionListener(request, failure -> total.addAndGet(-bytes.size()));
      deadline =
          request
              .getComponents()
              .getScheduler()
              .schedule(() -> refuse(tooSlow()), timeout.toNanos(), TimeUnit.NANOSECONDS);
      read(false);
    }

    /** Goes on when there is more; by then the thread is one that must not wait. */
    @Override
    public void run() {
      read(true);
    }

    private void read(boolean onOtherThread) {
      while (!ended.get()) {
        Content.Chunk chunk = request.read();
        if (chunk == null) {
          request.demand(this);
          return;
        }
        if (Content.Chunk.isFailure(chunk)) {
          refuse(failed(chunk.getFailure()));
          return;
        }
        if (!take(chunk)) {
          return;
        }
        if (chunk.isLast()) {
          if (end()) {
            proceed(onOtherThread);
          }
          return;
        }
      }
    }

    /** Copies: a chunk shares its memory with the connection. */
    private boolean take(Content.Chunk chunk) {
      try {
        int size = chunk.remaining();
        if (bytes.size() + (long) size > maxBytes) {
          refuseAndDropTheRest(tooLarge());
          return false;
        }
        if (total.get() + size > maxTotal) {
          refuseAndDropTheRest(noRoom());
          return false;
        }
        bytes.add(chunk.getByteBuffer());
        total.addAndGet(size);
        return true;
      } finally {
        chunk.release();
      }
    }

    private boolean end() {
      deadline.cancel();
      return ended.compareAndSet(false, true);
    }

    private void refuse(ApiException error) {
      if (end()) {
        Answers.refuseAndClose(request, response, callback, error);
      }
    }

    private void refuseAndDropTheRest(ApiException error) {
      if (end()) {
        Answers.refuseAndClose(request, response, new Rest(request, callback), error);
      }
    }

    private void proceed(boolean onOtherThread) {
      if (onOtherThread) {
        request.getContext().execute(this::handle);
      } else {
        handle();
      }
    }

    private void handle() {
      request.setAttribute(Exchanges.BODY, bytes.content());
      Request whole = new WholeRequest(request, bytes.content());
      try {
        if (!getHandler().handle(whole, response, callback)) {
          Response.writeError(request, response, callback, 404);
        }
      } catch (Exception | Error e) {
        Response.writeError(request, response, callback, e);
      }
    }
  }

  /**
   * Reads what is left of a body that was refused, once the answer is written: a connection that is
   * closed before its peer has sent everything may take the answer with it.
   */
  private final class Rest implements Callback, Runnable {
    private final Request request;
    private final Callback callback;
    private final long end = System.nanoTime() + timeout.toNanos();
    private long dropped;

    Rest(Request request, Callback callback) {
      this.request = request;
      this.callback = callback;
    }

    @Override
    public void succeeded() {
      run();
    }

    @Override
    public void failed(Throwable failure) {
      callback.failed(failure);
    }

    @Override
    public void run() {
      while (dropped <= MOST_DROPPED && System.nanoTime() < end) {
        Content.Chunk chunk = request.read();
        if (chunk == null) {
          request.demand(this);
          return;
        }
        if (Content.Chunk.isFailure(chunk)) {
          break;
        }
        dropped += chunk.remaining();
        chunk.release();
        if (chunk.isLast()) {
          break;
        }
      }
      callback.succeeded();
    }
  }

  private static ApiException tooSlow() {
    return ApiErrors.ofStatus(408, "The body of the request was not complete in time.");
  }

  private static ApiException noRoom() {
    return ApiException.busy(
        503,
        ApiErrors.SERVER_ERROR,
        "overloaded",
        Duration.ofSeconds(1),
        "The server has no room for more bodies of requests at the moment.");
  }

  private static ApiException failed(Throwable failure) {
    if (failure instanceof TimeoutException) {
      return tooSlow();
    }
    if (failure instanceof HttpException e) {
      return ApiErrors.ofStatus(e.getCode(), e.getReason());
    }
    return ApiErrors.ofStatus(400, "The body of the request is not complete.");
  }

  /** A request whose body is in memory. */
  private static final class WholeRequest extends Request.Wrapper {
    private Content.Chunk content;

    WholeRequest(Request request, ByteBuffer body) {
      super(request);
      content = Content.Chunk.from(body, true);
    }

    @Override
    public synchronized Content.Chunk read() {
      Content.Chunk next = content;
      content = Content.Chunk.EOF;
      return next;
    }

    @Override
    public void demand(Runnable more) {
      more.run(); // All of it is there.
    }
  }
}
