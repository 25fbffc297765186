package dev.baichuan4j;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A running generation: iterate for the stream, or take {@link #text()} or {@link #result()} at
 * once. For one thread; {@link #cancel()} may come from any. Closing cancels.
 */
public final class Generation implements Iterable<Chunk>, AutoCloseable {
  private static final Object END = new Object();

  private final LinkedBlockingQueue<Object> queue = new LinkedBlockingQueue<>();
  private final Runnable cancel;
  private boolean ended;
  private volatile GenerationResult result;
  private volatile RuntimeException failure;

  Generation(Runnable cancel) {
    this.cancel = cancel;
  }

  void emit(Chunk chunk) {
    queue.add(chunk);
  }

  void finish(GenerationResult result) {
    this.result = result;
    queue.add(END);
  }

  void fail(RuntimeException failure) {
    this.failure = failure;
    queue.add(END);
  }

  /**
   * The stream; each call goes on where the last one stopped. {@code hasNext} waits for the next
   * token.
   *
   * @throws BaichuanException from {@code hasNext} when the generation failed
   */
  @Override
  public Iterator<Chunk> iterator() {
    return new Iterator<>() {
      private Chunk next;

      @Override
      public boolean hasNext() {
        if (next == null) {
          next = take();
        }
        return next != null;
      }

      @Override
      public Chunk next() {
        if (!hasNext()) {
          throw new NoSuchElementException("the generation has ended");
        }
        Chunk chunk = next;
        next = null;
        return chunk;
      }
    };
  }

  private Chunk take() {
    if (!ended) {
      Object item;
      try {
        item = queue.take();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        cancel();
        return null;
      }
      if (item != END) {
        return (Chunk) item;
      }
      ended = true;
    }
    if (failure != null) {
      throw failure;
    }
    return null;
  }

  /**
   * Waits for the end and returns the whole text, also of what was iterated over.
   *
   * @throws BaichuanException when the generation failed
   * @throws IllegalStateException when the model was closed meanwhile, or this thread was
   *     interrupted
   */
  public String text() {
    return result().text();
  }

  /**
   * Waits for the end.
   *
   * @throws BaichuanException when the generation failed
   * @throws IllegalStateException when the model was closed meanwhile, or this thread was
   *     interrupted
   */
  public GenerationResult result() {
    while (take() != null) {
      // Chunks that nobody iterated over are in the result's text too.
    }
    if (result == null) {
      throw new IllegalStateException("generation was interrupted before its end");
    }
    return result;
  }

  /**
   * Asks it to end after the token in progress; the stream then ends with {@link
   * FinishReason#CANCELLED}.
   */
  public void cancel() {
    cancel.run();
  }

  @Override
  public void close() {
    cancel();
  }
}
