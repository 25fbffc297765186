package dev.baichuan4j;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * A generation that waits, runs or has ended: iterate for the stream, or take {@link #text()} or
 * {@link #result()} at once. Closing cancels.
 *
 * <p>The stream has one reader: the first thread that asks it for a chunk. Everything else may be
 * called from any number of threads at any time. What waits for the end takes nothing from the
 * stream, which can be read before, meanwhile and afterwards; what is not read yet takes memory in
 * proportion to the text.
 */
public final class Generation implements Iterable<Chunk>, AutoCloseable {
  private final Runnable cancel;

  /** Guards what follows, and is notified of every chunk and of the end. */
  private final Object monitor = new Object();

  private final Deque<Chunk> unread = new ArrayDeque<>();
  private Thread reader;
  private boolean cancelled;
  private boolean closed;
  private GenerationResult result;
  private RuntimeException failure;

  Generation(Runnable cancel) {
    this.cancel = cancel;
  }

  void emit(Chunk chunk) {
    synchronized (monitor) {
      if (!closed) {
        unread.add(chunk);
        monitor.notifyAll();
      }
    }
  }

  void finish(GenerationResult result) {
    synchronized (monitor) {
      this.result = result;
      monitor.notifyAll();
    }
  }

  void fail(RuntimeException failure) {
    synchronized (monitor) {
      this.failure = failure;
      monitor.notifyAll();
    }
  }

  /**
   * The stream; each call goes on where the last one stopped. It ends when the generation does,
   * cancelled ones included: {@link GenerationResult#finishReason} tells why.
   *
   * <p>{@code hasNext} and {@code next} wait for the next token. They throw
   *
   * <ul>
   *   <li>{@link OperationInterruptedException} when this thread is interrupted, before or while
   *       they wait, and the end of the stream is not reached: the generation is cancelled then, so
   *       that a loop never ends as if its text were whole. The chunks that are there can still be
   *       read once the flag is cleared.
   *   <li>another {@link BaichuanException} at the end of what there is, when the generation
   *       failed.
   *   <li>{@link IllegalStateException} at once when another thread reads the stream, and when this
   *       generation is closed; at the end of what there is, when the model was closed meanwhile.
   * </ul>
   */
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

  /**
   * Waits for the end and returns the whole text, whatever was read of the stream; as {@link
   * #result()} in everything else.
   *
   * @throws BaichuanException as {@link #result()}
   * @throws IllegalStateException as {@link #result()}
   */
  public String text() {
    return result().text();
  }

  /**
   * Waits for the end. Safe from any number of threads, and beside the reader of the stream; all
   * get the same result. The text is whole, whatever was read of the stream.
   *
   * @throws BaichuanException when the generation failed
   * @throws OperationInterruptedException when this thread is interrupted before the end: the
   *     generation is cancelled then, for every thread
   * @throws IllegalStateException when this generation is closed, or the model was closed before
   *     the end
   */
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

  /** Whether it goes on, and nobody has asked for its end. */
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

  /**
   * Asks it to end: at once if it waits for its turn, else after the token in progress. The stream
   * then ends, and the result has {@link FinishReason#CANCELLED}. Without effect on one that has
   * ended or is closed.
   */
  public void cancel() {
    synchronized (monitor) {
      cancelled = true;
    }
    cancel.run();
  }

  /**
   * Cancels, and gives up the stream and the result: what is asked of them afterwards is an {@link
   * IllegalStateException}. Threads that wait in {@link #result()} get it still. Does not wait, and
   * may be called again.
   */
  @Override
  public void close() {
    synchronized (monitor) {
      closed = true;
      unread.clear();
      monitor.notifyAll();
    }
    cancel();
  }
}
