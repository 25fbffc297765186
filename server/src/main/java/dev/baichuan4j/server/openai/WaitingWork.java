package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Cancellation;
import dev.baichuan4j.server.Models;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Work on a model that waits for its end, which embeddings and scores do: on threads of its own, so
 * that those of the server stay free. They are virtual where the JDK has such; where it has not,
 * they are bounded, and what comes beyond is told to come again.
 */
final class WaitingWork {
  private static final int MOST_THREADS = 64;

  private static final Executor THREADS = threads();

  private WaitingWork() {}

  private static Executor threads() {
    try { // JDK 21 and later
      return (Executor) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (ReflectiveOperationException e) {
      return new ThreadPoolExecutor(
          0,
          MOST_THREADS,
          10,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          task -> {
            Thread thread = new Thread(task, "waiting-work");
            thread.setDaemon(true);
            return thread;
          });
    }
  }

  /**
   * Answers with what the work comes to, and lets the model go at its end. An interrupt ends the
   * work when nobody waits for its answer any more.
   *
   * @param prompt the field that has the texts
   */
  static void answer(Call call, Models.Use use, String prompt, Supplier<JsonNode> work) {
    JsonBody body = new JsonBody(call.context());
    Task task =
        new Task(
            () -> {
              try {
                body.send(work.get());
              } catch (RuntimeException e) {
                body.fail(Refusals.of(e, prompt), () -> {});
              } finally {
                use.close();
              }
            });
    try {
      THREADS.execute(task);
    } catch (RejectedExecutionException e) {
      throw ApiException.busy(
          429,
          "rate_limit_error",
          "queue_full",
          Duration.ofSeconds(1),
          "server has " + MOST_THREADS + " requests of this kind, expected fewer; try again");
    }
    Cancellation.of(call.context()).onCancel(task::interrupt);
  }

  /** Work that runs in any case, with an interrupt where it was cancelled. */
  private static final class Task implements Runnable {
    private final Runnable work;
    private Thread thread; // that runs it
    private boolean interrupted;

    Task(Runnable work) {
      this.work = work;
    }

    synchronized void interrupt() {
      interrupted = true;
      if (thread != null) {
        thread.interrupt();
      }
    }

    private synchronized void runsOn(Thread current) {
      thread = current;
      if (interrupted && current != null) {
        current.interrupt();
      }
    }

    @Override
    public void run() {
      runsOn(Thread.currentThread());
      try {
        work.run();
      } finally {
        runsOn(null);
        Thread.interrupted(); // the thread goes on with other work
      }
    }
  }
}
