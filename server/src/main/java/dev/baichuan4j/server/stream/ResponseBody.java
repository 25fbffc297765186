package dev.baichuan4j.server.stream;

import dev.baichuan4j.server.Cancellation;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The body of a response, for one handler that returns before it is written. What is written waits
 * here until the reader takes it; {@link #whenRoom} keeps that little. A client that has gone is
 * noticed within about a second, also when nothing is written to it: the {@link Cancellation} of
 * the request says so.
 *
 * <p>Methods may be called from any thread, do not wait, and have no effect after the end.
 */
public final class ResponseBody {
  private static final Logger log = LoggerFactory.getLogger(ResponseBody.class);

  /** Bytes that wait for a reader, from which on there is no room. */
  private static final int ROOM = 64 << 10;

  private static final long LOOK_MILLIS = 1000;

  /** What the owner of a body does at its beginning. */
  interface Beginning {
    /** The handler has returned, and the response goes on. */
    default void handlerReturned() {}

    /** The first byte follows: the last moment for the status and the headers. */
    void firstByte();
  }

  private final Context context;
  private final Beginning beginning;
  private final Cancellation cancellation;
  private final CompletableFuture<Void> done = new CompletableFuture<>();

  /** Guards what follows. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Deque<byte[]> waiting = new ArrayDeque<>();
  private long waitingBytes;
  private boolean begun; // the handler has returned
  private ServletOutputStream output; // null until the first byte
  private boolean unflushed;
  private boolean ended; // nothing more is to be written
  private boolean over; // nothing more can be written
  private final List<Runnable> whenRoom = new ArrayList<>();
  private List<Runnable> whenOver = new ArrayList<>();
  private ScheduledFuture<?> looking;

  /**
   * Takes over the response: the handler returns, and the response goes on. Where the handler
   * throws instead, nothing of this is written.
   *
   * @param firstByte sets the status and the headers, when the first byte is about to be written
   */
  public ResponseBody(Context context, Runnable firstByte) {
    this(context, (Beginning) firstByte::run);
  }

  ResponseBody(Context context, Beginning beginning) {
    this.context = Objects.requireNonNull(context, "context");
    this.beginning = beginning;
    this.cancellation = Cancellation.of(context);
    context.future(this::begin);
  }

  private CompletableFuture<Void> begin() {
    Connection connection = Connection.of(context.req());
    context.req().getAsyncContext().addListener(new Failure());
    beginning.handlerReturned();
    lock.lock();
    try {
      begun = true;
      if (!over) {
        looking =
            AnswerThreads.clock()
                .scheduleWithFixedDelay(
                    () -> look(connection), LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
      }
    } finally {
      lock.unlock();
    }
    writeOn();
    return done;
  }

  /** Writes bytes, which must not be changed afterwards. */
  public void write(byte[] bytes) {
    lock.lock();
    try {
      if (ended || over) {
        return;
      }
      waiting.add(bytes);
      waitingBytes += bytes.length;
    } finally {
      lock.unlock();
    }
    writeOn();
  }

  /**
   * Runs a task that will write more: now, or when the reader has taken enough of what waits. It is
   * dropped when the client has gone.
   */
  public void whenRoom(Runnable task) {
    lock.lock();
    try {
      if (over) {
        return;
      }
      if (waitingBytes >= ROOM) {
        whenRoom.add(task);
        return;
      }
    } finally {
      lock.unlock();
    }
    task.run();
  }

  /** Runs a short task once, when nothing more can be written; at once if that is so. */
  void whenOver(Runnable task) {
    lock.lock();
    try {
      if (!over) {
        whenOver.add(task);
        return;
      }
    } finally {
      lock.unlock();
    }
    task.run();
  }

  /** Ends the body: the response is complete when all of it is written. */
  public void end() {
    lock.lock();
    try {
      ended = true;
    } finally {
      lock.unlock();
    }
    writeOn();
  }

  /**
   * Gives up a response of which nothing is written: what handles the exceptions of handlers makes
   * another one.
   *
   * @param headers sets headers of that one; it is not run where there is none any more
   * @return whether nothing was written; if not, the response goes on
   */
  public boolean fail(RuntimeException failure, Runnable headers) {
    lock.lock();
    try {
      if (over) {
        return true;
      }
      if (output != null || !waiting.isEmpty()) {
        return false;
      }
      headers.run();
      stop();
    } finally {
      lock.unlock();
    }
    done.completeExceptionally(failure);
    return true;
  }

  private void writeOn() {
    boolean complete;
    List<Runnable> tasks = List.of();
    lock.lock();
    try {
      if (!begun || over) {
        return;
      }
      boolean written = writeReady();
      complete = written && ended;
      if (complete) {
        stop();
      } else if (waitingBytes < ROOM && !whenRoom.isEmpty()) {
        tasks = List.copyOf(whenRoom);
        whenRoom.clear();
      }
    } catch (IOException | RuntimeException e) {
      log.debug("a response could not be written", e);
      lose();
      return;
    } finally {
      lock.unlock();
    }
    if (complete) {
      done.complete(null);
    }
    tasks.forEach(Runnable::run);
  }

  /**
   * Writes what the reader takes.
   *
   * @return whether that is all
   */
  private boolean writeReady() throws IOException {
    if (output == null) {
      if (waiting.isEmpty()) {
        return true;
      }
      beginning.firstByte();
      output = context.res().getOutputStream();
      output.setWriteListener(new Writer()); // which calls, as soon as it can
      return false;
    }
    while (!waiting.isEmpty() || unflushed) {
      if (!output.isReady()) {
        return false;
      }
      byte[] next = waiting.poll();
      if (next == null) {
        output.flush();
        unflushed = false;
      } else {
        waitingBytes -= next.length;
        output.write(next);
        unflushed = true;
      }
    }
    return output.isReady();
  }

  private void look(Connection connection) {
    Connection.State state;
    lock.lock();
    try {
      if (over) {
        return;
      }
      // While the lock is held the response is not complete, so that nobody else reads.
      state = connection.look();
      if (state == Connection.State.UNKNOWN) {
        looking.cancel(false);
      }
    } finally {
      lock.unlock();
    }
    if (state == Connection.State.CLOSED) {
      lose();
    }
  }

  /** Gives up: the client has gone. */
  private void lose() {
    boolean committed;
    lock.lock();
    try {
      if (over) {
        return;
      }
      committed = output != null;
      stop();
    } finally {
      lock.unlock();
    }
    if (!committed) {
      context.status(HttpStatus.CLIENT_CLOSED_REQUEST); // for the access log: nobody reads it
    }
    cancellation.cancel(Cancellation.Reason.CLIENT_GONE);
    done.complete(null);
  }

  private void stop() {
    over = true;
    waiting.clear();
    waitingBytes = 0;
    whenRoom.clear();
    if (looking != null) {
      looking.cancel(false);
    }
    whenOver.forEach(Runnable::run);
    whenOver = List.of();
  }

  private final class Writer implements WriteListener {
    @Override
    public void onWritePossible() {
      writeOn();
    }

    @Override
    public void onError(Throwable failure) {
      lose();
    }
  }

  private final class Failure implements jakarta.servlet.AsyncListener {
    @Override
    public void onError(AsyncEvent event) {
      lose();
    }

    @Override
    public void onTimeout(AsyncEvent event) {
      lose();
    }

    @Override
    public void onComplete(AsyncEvent event) {}

    @Override
    public void onStartAsync(AsyncEvent event) {}
  }
}
