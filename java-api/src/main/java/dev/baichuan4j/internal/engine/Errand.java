package dev.baichuan4j.internal.engine;

import dev.baichuan4j.OperationInterruptedException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/** Work that the engine's thread does for a caller, which waits for it. */
final class Errand {
  private final String operation;
  private final Runnable work;
  private final CompletableFuture<Void> done = new CompletableFuture<>();

  /**
   * @param operation what it is, for the message
   * @param work is left out if the caller is interrupted before it has begun
   */
  Errand(String operation, Runnable work) {
    this.operation = operation;
    this.work = work;
  }

  /**
   * Hands itself over to the engine's thread, and waits for the end.
   *
   * @param thread takes what the engine's thread is to run
   * @throws OperationInterruptedException when this thread is interrupted
   */
  void runOn(Consumer<Runnable> thread) {
    try {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      thread.accept(this::attempt);
      done.get();
    } catch (InterruptedException e) {
      done.cancel(false);
      Thread.currentThread().interrupt();
      throw new OperationInterruptedException(operation, "nothing is left of it; call again", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw Schedule.unchecked(e.getCause());
    }
  }

  private void attempt() {
    if (done.isDone()) {
      return; // its caller was interrupted
    }
    try {
      work.run();
      done.complete(null);
    } catch (RuntimeException | Error e) {
      done.completeExceptionally(e);
    }
  }
}
