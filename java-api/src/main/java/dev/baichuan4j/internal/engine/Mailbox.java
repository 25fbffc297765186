package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.QueueFullException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all threads leave for the engine's: requests that wait, and tasks. The thread that takes a
 * request out of here decides how it goes on: the engine's thread starts it, {@link Request#cancel}
 * ends it, and the end of the engine fails it. So each request is told its end once.
 */
final class Mailbox {
  private static final Logger log = LoggerFactory.getLogger(Engine.class);

  /** What {@link #await} is told where nothing ends by itself. */
  static final long FOREVER = Long.MAX_VALUE; // nanoseconds

  private final int maxQueued;
  private final Counters counters;
  private final Observers observers;

  /** Guards what follows. */
  private final Object lock = new Object();

  private final FairQueue queue = new FairQueue();
  private final Deque<Runnable> tasks = new ArrayDeque<>();
  private long happenings; // that the engine's thread may have to look at
  private long seen; // happenings before it looked last
  private boolean closed;

  /**
   * @param maxQueued most requests that wait
   * @param counters of the engine
   * @param observers who is told of the end of each request
   */
  Mailbox(int maxQueued, Counters counters, Observers observers) {
    this.maxQueued = maxQueued;
    this.counters = counters;
    this.observers = observers;
  }

  Counters counters() {
    return counters;
  }

  Observers observers() {
    return observers;
  }

  /**
   * Adds a request.
   *
   * @throws QueueFullException when too many wait
   * @throws IllegalStateException when it is closed
   */
  void add(Request request) {
    synchronized (lock) {
      requireOpen();
      if (queue.size() >= maxQueued) {
        counters.rejected();
        throw new QueueFullException(maxQueued);
      }
      request.submittedTo(this);
      enqueue(request);
    }
  }

  /** See {@link Engine#submitNext}. */
  void addNext(Request request, Request earlier) {
    FinishReason reason;
    boolean open;
    synchronized (lock) {
      open = !closed;
      request.submittedTo(this, earlier);
      reason = request.interruption();
      if (open && reason == null) {
        enqueue(request);
      }
    }
    if (reason != null) {
      request.finish(reason);
    } else if (!open) {
      request.fail(closedFailure());
    }
  }

  private void enqueue(Request request) {
    queue.add(request);
    counters.waiting(queue.size());
    wake();
  }

  /** Has the engine's thread look at the requests again. */
  void wake() {
    synchronized (lock) {
      happenings++;
      lock.notifyAll();
    }
  }

  /** Takes out a request that is to run; false if it is not here. */
  boolean take(Request request) {
    synchronized (lock) {
      boolean taken = queue.take(request);
      counters.waiting(queue.size());
      return taken;
    }
  }

  /**
   * Takes out a request that is not to run, and returns whether it was here; the caller then has to
   * tell its end.
   */
  boolean cancel(Request request) {
    synchronized (lock) {
      boolean taken = queue.cancel(request);
      counters.waiting(queue.size());
      return taken;
    }
  }

  /**
   * Has the engine's thread run something that does not throw.
   *
   * @throws IllegalStateException when it is closed
   */
  void post(Runnable task) {
    synchronized (lock) {
      requireOpen();
      tasks.add(task);
      wake();
    }
  }

  /**
   * Waits, where the engine's thread is idle, until something happens or a time is over.
   *
   * @param idle whether it found nothing to do since this returned last
   * @param nanosLeft until the time of a text is over that is not here any more, or {@link
   *     #FOREVER}
   * @return false once it is closed
   */
  boolean await(boolean idle, LongSupplier nanosLeft) {
    synchronized (lock) {
      while (!closed && idle && seen == happenings) {
        long nanos = Math.min(queue.nanosLeft(), nanosLeft.getAsLong());
        if (nanos == 0) {
          break;
        }
        try {
          if (nanos == FOREVER) {
            lock.wait();
          } else {
            TimeUnit.NANOSECONDS.timedWait(lock, nanos);
          }
        } catch (InterruptedException e) {
          // Nobody interrupts this thread; close() is the way to end it.
          log.warn("engine thread was interrupted and goes on");
        }
      }
      seen = happenings;
      return !closed;
    }
  }

  /** Takes out what was posted first; null if there is nothing. */
  Runnable nextTask() {
    synchronized (lock) {
      return tasks.poll();
    }
  }

  /** The request that is due first; null if none waits. */
  Request first() {
    synchronized (lock) {
      return queue.first();
    }
  }

  /** Whether there are requests that may still be started. */
  boolean hasRequests() {
    synchronized (lock) {
      return !closed && queue.size() > 0;
    }
  }

  /** The requests that wait and whose time is over. */
  List<Request> expired() {
    synchronized (lock) {
      return queue.size() == 0 ? List.of() : queue.expired();
    }
  }

  boolean isClosed() {
    synchronized (lock) {
      return closed;
    }
  }

  /**
   * @throws IllegalStateException when it is closed
   */
  void requireOpen() {
    if (isClosed()) {
      throw closedFailure();
    }
  }

  private static IllegalStateException closedFailure() {
    return new IllegalStateException("model is closed");
  }

  /** Takes nothing more, and ends the wait of the engine's thread. */
  void close() {
    synchronized (lock) {
      closed = true;
      lock.notifyAll();
    }
  }

  /** Takes out all requests. */
  List<Request> drain() {
    synchronized (lock) {
      counters.waiting(0);
      return queue.drain();
    }
  }
}
