package dev.baichuan4j.internal.api;

import dev.baichuan4j.Chunk;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A subscriber's place in a stream. All calls of the subscriber are made by one task at a time on
 * its executor; whoever changes something signals, and the task runs until there is nothing to do.
 */
final class ChunkSubscription implements Flow.Subscription {
  private static final Logger log = LoggerFactory.getLogger(ChunkSubscription.class);

  /** What the task is doing. */
  private enum Task {
    NONE,
    RUNS,
    /** Something has changed since it looked. */
    HAS_TO_LOOK
  }

  private final RunningGeneration generation;
  private final Executor executor;
  private final boolean keepsGoing;
  private final AtomicReference<Task> task = new AtomicReference<>(Task.NONE);
  private final AtomicLong demand = new AtomicLong(); // the greatest number: without bound
  private volatile boolean cancelled;
  private volatile IllegalArgumentException violation;
  // Used by the task alone.
  private Flow.Subscriber<? super Chunk> subscriber; // null after the end: it may be collected
  private boolean subscribed;
  private int next; // number of the chunk that comes next

  /**
   * @param keepsGoing the generation is cancelled when the last one of these is
   */
  ChunkSubscription(
      RunningGeneration generation,
      Flow.Subscriber<? super Chunk> subscriber,
      Executor executor,
      boolean keepsGoing) {
    this.generation = generation;
    this.subscriber = subscriber;
    this.executor = executor;
    this.keepsGoing = keepsGoing;
  }

  boolean keepsGoing() {
    return keepsGoing;
  }

  @Override
  public void request(long n) {
    if (n < 1) {
      violation =
          new IllegalArgumentException(
              "request has " + n + " chunks, expected at least 1 (Reactive Streams 3.9)");
    } else {
      demand.accumulateAndGet(n, (a, b) -> a + b < 0 ? Long.MAX_VALUE : a + b);
    }
    signal();
  }

  @Override
  public void cancel() {
    cancelled = true;
    signal(); // the task forgets the subscriber
    generation.leave(this);
  }

  /** Has the task look at the stream and at what is asked for; does not wait. */
  void signal() {
    if (task.getAndSet(Task.HAS_TO_LOOK) == Task.NONE) {
      try {
        executor.execute(this::run);
      } catch (RuntimeException | Error e) {
        log.warn("an executor refuses to run a subscriber, which hears nothing more", e);
        cancelled = true;
        generation.leave(this);
      }
    }
  }

  private void run() {
    do {
      task.set(Task.RUNS);
      try {
        deliver();
      } catch (RuntimeException | Error e) {
        log.warn("a subscriber has thrown, and hears nothing more", e);
        cancelled = true;
        subscriber = null;
        generation.leave(this);
      }
    } while (!task.compareAndSet(Task.RUNS, Task.NONE));
  }

  private void deliver() {
    if (!subscribed && !cancelled) {
      subscribed = true;
      subscriber.onSubscribe(this);
    }
    while (subscriber != null && !cancelled) {
      if (violation != null) {
        end().onError(violation);
        generation.leave(this);
        return;
      }
      RunningGeneration.Place place = generation.at(next);
      if (place.chunk() != null) {
        if (demand.get() == 0) {
          return;
        }
        demand.updateAndGet(n -> n == Long.MAX_VALUE ? n : n - 1);
        next++;
        subscriber.onNext(place.chunk());
      } else if (place.failure() != null) {
        generation.forget(this);
        end().onError(place.failure());
      } else if (place.ended()) {
        generation.forget(this);
        end().onComplete();
      } else {
        return;
      }
    }
    if (cancelled) {
      subscriber = null;
    }
  }

  private Flow.Subscriber<? super Chunk> end() {
    Flow.Subscriber<? super Chunk> last = subscriber;
    subscriber = null;
    return last;
  }
}
