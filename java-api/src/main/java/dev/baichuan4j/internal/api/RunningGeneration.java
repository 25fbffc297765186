package dev.baichuan4j.internal.api;

import dev.baichuan4j.Chunk;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.OperationInterruptedException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/** A generation that a request fills while others read it. */
final class RunningGeneration implements Generation, TextSink {
  private Runnable cancel; // is set before anybody else has this object
  private final List<RunningGeneration> others; // choices that end with this one

  /** Guards what follows, and is notified of every chunk and of the end. */
  private final Object monitor = new Object();

  private final Deque<Chunk> unread = new ArrayDeque<>();
  private Thread reader;
  private boolean cancelled;
  private boolean closed;
  private GenerationResult result;
  private RuntimeException failure;

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
    List<Generation> choices = new ArrayList<>(1 + others.size());
    choices.add(this);
    choices.addAll(others);
    return choices;
  }

  @Override
  public void emit(Chunk chunk) {
    synchronized (monitor) {
      if (!closed) {
        unread.add(chunk);
        monitor.notifyAll();
      }
    }
  }

  @Override
  public void finish(GenerationResult result) {
    synchronized (monitor) {
      this.result = result;
      monitor.notifyAll();
    }
  }

  @Override
  public void fail(RuntimeException failure) {
    synchronized (monitor) {
      this.failure = failure;
      monitor.notifyAll();
    }
  }

  @Override
  public Iterator<Chunk> iterator() {
    synchronized (monitor) {
      requireOpen();
    }
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return awaitChunk();
      }

      @Override
      public Chunk next() {
        if (!awaitChunk()) {
          throw new NoSuchElementException("the generation has ended");
        }
        synchronized (monitor) {
          requireOpen();
          return unread.remove();
        }
      }
    };
  }

  /** Waits for a chunk to read; false at the end. */
  private boolean awaitChunk() {
    try {
      synchronized (monitor) {
        while (true) {
          requireReader();
          if (unread.isEmpty() && hasEnded()) {
            requireSuccess();
            return false;
          }
          if (Thread.interrupted()) {
            throw new InterruptedException();
          }
          if (!unread.isEmpty()) {
            return true;
          }
          monitor.wait();
        }
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
    synchronized (monitor) {
      requireOpen();
    }
    try {
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
    boolean interrupted = false;
    try {
      synchronized (monitor) {
        while (!hasEnded()) {
          try {
            monitor.wait();
          } catch (InterruptedException e) {
            if (!cancelled) {
              throw e;
            }
            interrupted = true;
          }
        }
        requireSuccess();
        return result;
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Whether it goes on and its end has not been asked for. */
  boolean isRunning() {
    synchronized (monitor) {
      return !cancelled && !hasEnded();
    }
  }

  private boolean hasEnded() {
    return result != null || failure != null;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("generation is closed");
    }
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
    synchronized (monitor) {
      cancelled = true;
    }
    cancel.run();
    others.forEach(RunningGeneration::cancel);
  }

  @Override
  public void close() {
    synchronized (monitor) {
      closed = true;
      unread.clear();
      monitor.notifyAll();
    }
    cancel();
    others.forEach(RunningGeneration::close);
  }
}
