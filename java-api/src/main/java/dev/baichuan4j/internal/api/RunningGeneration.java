package dev.baichuan4j.internal.api;

import dev.baichuan4j.Chunk;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationListener;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OperationTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A generation that a request fills while others read it. */
final class RunningGeneration implements Generation, TextSink {
  private static final Logger log = LoggerFactory.getLogger(Generation.class);

  private static final long FOREVER = Long.MAX_VALUE; // nanoseconds

  private static final Executor DEFAULT = new CompletableFuture<Void>().defaultExecutor();

  /**
   * What is at a place of the stream.
   *
   * @param chunk null if it is not there
   * @param ended it will never be there
   * @param failure why; null after a success
   */
  record Place(Chunk chunk, boolean ended, RuntimeException failure) {}

  private Runnable cancel; // is set before anybody else has this object
  private final List<RunningGeneration> others; // choices that end with this one
  private final List<ChunkSubscription> subscriptions = new CopyOnWriteArrayList<>();

  /** Guards what follows. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition arrived = lock.newCondition(); // every chunk, and the end
  private final Condition ended =
      lock.newCondition(); // alone: a wait for the result sleeps through chunks
  private ChunkLog chunks = new ChunkLog();
  private int read; // chunks that the reader has taken
  private Thread reader;
  private int subscribers; // subscriptions that keep the generation going
  private boolean cancelled;
  private boolean closed;
  private GenerationResult result;
  private RuntimeException failure;
  private CompletableFuture<GenerationResult> completion; // null until it is asked for

  /**
   * @param others the choices after this one
   */
  RunningGeneration(List<RunningGeneration> others) {
    this.others = List.copyOf(others);
  }

  /** What ends the request that fills this. */
  void cancelledBy(Runnable cancel) {
    this.cancel = cancel;
  }

  @Override
  public List<Generation> choices() {
    requireOpenNow();
    List<Generation> choices = new ArrayList<>(1 + others.size());
    choices.add(this);
    choices.addAll(others);
    return choices;
  }

  @Override
  public void emit(Chunk chunk) {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      chunks.add(chunk);
      arrived.signalAll();
    } finally {
      lock.unlock();
    }
    signalSubscriptions();
  }

  @Override
  public void finish(GenerationResult result) {
    end(result, null);
  }

  @Override
  public void fail(RuntimeException failure) {
    end(null, failure);
  }

  private void end(GenerationResult result, RuntimeException failure) {
    CompletableFuture<GenerationResult> waiting;
    lock.lock();
    try {
      this.result = result;
      this.failure = failure;
      waiting = completion;
      arrived.signalAll();
      ended.signalAll();
    } finally {
      lock.unlock();
    }
    signalSubscriptions();
    if (waiting != null) {
      try {
        DEFAULT.execute(() -> complete(waiting));
      } catch (RuntimeException | Error e) {
        log.warn("there is no thread for what depends on a generation, which runs on this one", e);
        complete(waiting);
      }
    }
  }

  private void signalSubscriptions() {
    if (!subscriptions.isEmpty()) {
      subscriptions.forEach(ChunkSubscription::signal);
    }
  }

  private void complete(CompletableFuture<GenerationResult> future) {
    if (failure != null) {
      future.completeExceptionally(failure);
    } else {
      future.complete(result);
    }
  }

  @Override
  public CompletionStage<GenerationResult> completion() {
    lock.lock();
    try {
      requireOpen();
      if (completion == null) {
        completion = new CompletableFuture<>();
        if (hasEnded()) {
          complete(completion); // nothing depends on it yet
        }
      }
      return completion.minimalCompletionStage();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Flow.Publisher<Chunk> publisher() {
    return publisher(DEFAULT);
  }

  @Override
  public Flow.Publisher<Chunk> publisher(Executor executor) {
    Objects.requireNonNull(executor, "executor");
    requireOpenNow();
    return subscriber -> {
      Objects.requireNonNull(subscriber, "subscriber");
      lock.lock();
      try {
        subscribers++;
      } finally {
        lock.unlock();
      }
      start(new ChunkSubscription(this, subscriber, executor, true));
    };
  }

  @Override
  public void listen(GenerationListener listener) {
    listen(listener, DEFAULT);
  }

  @Override
  public void listen(GenerationListener listener, Executor executor) {
    Objects.requireNonNull(listener, "listener");
    Objects.requireNonNull(executor, "executor");
    requireOpenNow();
    ListeningSubscriber subscriber = new ListeningSubscriber(listener, () -> result);
    start(new ChunkSubscription(this, subscriber, executor, false));
  }

  private void start(ChunkSubscription subscription) {
    subscriptions.add(subscription);
    subscription.signal();
  }

  /** What a subscription finds at a place of the stream. */
  Place at(int index) {
    lock.lock();
    try {
      if (closed) {
        return new Place(null, true, closedFailure());
      }
      Chunk chunk = index < chunks.size() ? chunks.get(index) : null;
      return new Place(chunk, hasEnded(), failure);
    } finally {
      lock.unlock();
    }
  }

  /** Takes a subscription out that has ended. */
  void forget(ChunkSubscription subscription) {
    subscriptions.remove(subscription);
  }

  /** Takes a subscription out that was cancelled; without effect on one that is not there. */
  void leave(ChunkSubscription subscription) {
    if (subscriptions.remove(subscription) && subscription.keepsGoing()) {
      boolean last;
      lock.lock();
      try {
        last = --subscribers == 0;
      } finally {
        lock.unlock();
      }
      if (last) {
        cancel();
      }
    }
  }

  @Override
  public Iterator<Chunk> iterator() {
    requireOpenNow();
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return awaitChunk(false) != null;
      }

      @Override
      public Chunk next() {
        Chunk chunk = awaitChunk(true);
        if (chunk == null) {
          throw new NoSuchElementException("the generation has ended");
        }
        return chunk;
      }
    };
  }

  /**
   * Waits for a chunk to read, and returns it; null at the end.
   *
   * @param take the next call gets the chunk after it
   */
  private Chunk awaitChunk(boolean take) {
    try {
      lock.lock();
      try {
        while (true) {
          requireReader();
          if (read == chunks.size() && hasEnded()) {
            requireSuccess();
            return null;
          }
          if (Thread.interrupted()) {
            throw new InterruptedException();
          }
          if (read < chunks.size()) {
            return chunks.get(take ? read++ : read);
          }
          arrived.await();
        }
      } finally {
        lock.unlock();
      }
    } catch (InterruptedException e) {
      throw cancelled(e);
    }
  }

  private void requireReader() {
    requireOpen();
    if (reader == null) {
      reader = Thread.currentThread();
    } else if (reader != Thread.currentThread()) {
      throw new IllegalStateException(
          "generation is read by thread \""
              + reader.getName()
              + "\", expected one reader; any thread may take the result");
    }
  }

  @Override
  public String text() {
    return result().text();
  }

  @Override
  public GenerationResult result() {
    requireOpenNow();
    try {
      return awaitEnd();
    } catch (InterruptedException e) {
      throw cancelled(e);
    }
  }

  @Override
  public GenerationResult result(Duration timeout) {
    long nanos = TimeUnit.NANOSECONDS.convert(Objects.requireNonNull(timeout, "timeout"));
    requireOpenNow();
    try {
      if (!awaitEnd(nanos)) {
        throw new OperationTimeoutException(
            "generation", timeout, "it goes on: wait for it again, or cancel it");
      }
      return awaitEnd();
    } catch (InterruptedException e) {
      throw cancelled(e);
    }
  }

  /**
   * Waits for the end of a generation that may be closed; once it is cancelled, in spite of
   * interrupts, because the end is near then.
   *
   * @throws InterruptedException when this thread is interrupted and it is not cancelled; it goes
   *     on then
   */
  GenerationResult awaitEnd() throws InterruptedException {
    awaitEnd(FOREVER);
    requireSuccess();
    return result;
  }

  /** Waits for the end as above, for so many nanoseconds at most; false if it has not come. */
  private boolean awaitEnd(long nanos) throws InterruptedException {
    boolean interrupted = false;
    long left = nanos;
    lock.lock();
    try {
      while (!hasEnded() && left > 0) {
        try {
          if (nanos == FOREVER) {
            ended.await();
          } else {
            left = ended.awaitNanos(left);
          }
        } catch (InterruptedException e) {
          if (!cancelled) {
            throw e;
          }
          interrupted = true;
        }
      }
      return hasEnded();
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Whether it goes on and its end has not been asked for. */
  boolean isRunning() {
    lock.lock();
    try {
      return !cancelled && !hasEnded();
    } finally {
      lock.unlock();
    }
  }

  private boolean hasEnded() {
    return result != null || failure != null;
  }

  private void requireOpen() {
    if (closed) {
      throw closedFailure();
    }
  }

  private void requireOpenNow() {
    lock.lock();
    try {
      requireOpen();
    } finally {
      lock.unlock();
    }
  }

  private static IllegalStateException closedFailure() {
    return new IllegalStateException("generation is closed");
  }

  private void requireSuccess() {
    if (failure != null) {
      throw failure;
    }
  }

  private OperationInterruptedException cancelled(InterruptedException cause) {
    Thread.currentThread().interrupt();
    cancel();
    return new OperationInterruptedException(
        "generation", "it is cancelled, and its text so far is in the result", cause);
  }

  @Override
  public void cancel() {
    lock.lock();
    try {
      cancelled = true;
    } finally {
      lock.unlock();
    }
    cancel.run();
    others.forEach(RunningGeneration::cancel);
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      cancelled = true;
      chunks = new ChunkLog();
      arrived.signalAll();
    } finally {
      lock.unlock();
    }
    signalSubscriptions();
    cancel.run();
    others.forEach(RunningGeneration::close);
  }
}
