package dev.baichuan4j.engine;

import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.DeviceException;
import dev.baichuan4j.LogitsConsumer;
import dev.baichuan4j.QueueFullException;
import dev.baichuan4j.nn.ElementType;
import dev.baichuan4j.nn.KvPages;
import dev.baichuan4j.nn.Model;
import dev.baichuan4j.nn.Ops;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One thread that owns a model and runs all requests on it, batched: each step feeds one token of
 * every text being written and pieces of the prompts that wait (continuous batching). Results of a
 * request do not depend on what else runs. Methods may be called from any thread.
 */
public final class Engine implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Engine.class);

  /**
   * What the engine holds ready.
   *
   * @param contextLength most positions of a text
   * @param pages pages of the key-value cache
   * @param cacheType F32, F16, BF16 or I8
   * @param chunkTokens most tokens of a step
   * @param maxConcurrent most texts in a step
   * @param maxQueued most requests that wait
   */
  public record Limits(
      int contextLength,
      int pages,
      ElementType cacheType,
      int chunkTokens,
      int maxConcurrent,
      int maxQueued) {
    int pageSlots() {
      return KvPages.pagesFor(contextLength);
    }
  }

  private final Model model;
  private final Limits limits;
  private final Schedule schedule;
  private final Object lock = new Object();
  private final Deque<Request> queue = new ArrayDeque<>();
  private final Deque<Runnable> tasks = new ArrayDeque<>();
  private final Thread thread;
  private boolean closed;

  /**
   * Takes over the model: closing the engine closes it.
   *
   * @throws DeviceException when the system refuses the engine's thread; the model is closed then
   */
  public Engine(Model model, Limits limits) {
    this.model = model;
    this.limits = limits;
    this.schedule = new Schedule(model, limits);
    this.thread = new Thread(this::run, "baichuan-engine");
    thread.setDaemon(true);
    try {
      thread.start();
    } catch (OutOfMemoryError e) { // what Java says of a thread that the system refuses
      schedule.close();
      model.close();
      throw new DeviceException(
          "threads: process may have 0 more, expected 1 for the engine ("
              + e.getMessage()
              + "); lower threads or raise ulimit -u / pids.max");
    }
  }

  public Limits limits() {
    return limits;
  }

  public Model model() {
    return model;
  }

  /**
   * Queues a request.
   *
   * @throws ContextOverflowException when the prompt leaves no room for a token
   * @throws QueueFullException when too many wait
   * @throws IllegalStateException when the engine is closed
   */
  public void submit(Request request) {
    int tokens = request.prompt().length;
    if (tokens >= limits.contextLength()) {
      throw new ContextOverflowException(tokens, limits.contextLength() - 1);
    }
    synchronized (lock) {
      requireOpen();
      if (queue.size() >= limits.maxQueued()) {
        throw new QueueFullException(limits.maxQueued());
      }
      queue.add(request);
      lock.notifyAll();
    }
  }

  /**
   * Feeds ids and hands out logits; waits until done. Other requests pause meanwhile.
   *
   * @param ids at least one
   * @param all logits of every position, or of the last only
   * @param chunk most tokens of a step; 0 for the engine's choice
   * @throws ContextOverflowException when there are more ids than positions
   */
  public void score(int[] ids, boolean all, int chunk, LogitsConsumer consumer) {
    if (ids.length > limits.contextLength()) {
      throw new ContextOverflowException(ids.length, limits.contextLength());
    }
    runAndWait(() -> schedule.score(ids, all, chunk, consumer));
  }

  /** Runs something on the engine's thread. */
  private void runAndWait(Runnable work) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    synchronized (lock) {
      requireOpen();
      tasks.add(
          () -> {
            try {
              requireOpen();
              work.run();
              done.complete(null);
            } catch (RuntimeException | Error e) {
              done.completeExceptionally(e);
            }
          });
      lock.notifyAll();
    }
    try {
      done.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw e;
    }
  }

  /** Forgets what a conversation left in the cache. */
  public void release(SessionCache session) {
    synchronized (lock) {
      if (closed) {
        return;
      }
      tasks.add(() -> schedule.release(session));
      lock.notifyAll();
    }
  }

  /**
   * Binds the engine's thread and the workers to a physical core each.
   *
   * @throws InvalidRequestException see {@link Ops#pin}
   */
  public void pin() {
    runAndWait(() -> model.ops().pin());
  }

  private void requireOpen() {
    synchronized (lock) {
      if (closed) {
        throw new IllegalStateException("model is closed");
      }
    }
  }

  private void run() {
    Throwable cause = null;
    try {
      serve();
    } catch (RuntimeException | Error e) {
      // Whoever waits gets an answer even then: everything is ended as by close().
      log.error("engine thread failed and ends", e);
      cause = e;
      synchronized (lock) {
        closed = true;
      }
    }
    shutDown(new IllegalStateException("model is closed", cause));
  }

  private void serve() {
    while (true) {
      Runnable task;
      synchronized (lock) {
        while (!closed && tasks.isEmpty() && queue.isEmpty() && schedule.isEmpty()) {
          try {
            lock.wait();
          } catch (InterruptedException e) {
            // Nobody interrupts this thread; close() is the way to end it.
            log.warn("engine thread was interrupted and goes on");
          }
        }
        if (closed) {
          return;
        }
        task = tasks.poll();
      }
      if (task != null) {
        task.run();
        continue;
      }
      admit();
      if (!schedule.isEmpty()) {
        schedule.step();
      }
    }
  }

  /** Starts waiting requests, in order, as long as there is room. */
  private void admit() {
    while (!schedule.isFull()) {
      Request request;
      synchronized (lock) {
        request = queue.peek();
      }
      if (request == null || !schedule.admit(request, this::takeFirst)) {
        return;
      }
    }
  }

  private void takeFirst() {
    synchronized (lock) {
      queue.poll();
    }
  }

  private void shutDown(IllegalStateException reason) {
    List<Request> waiting;
    List<Runnable> left;
    synchronized (lock) {
      waiting = List.copyOf(queue);
      queue.clear();
      left = List.copyOf(tasks);
      tasks.clear();
    }
    schedule.failAll(reason);
    waiting.forEach(request -> Schedule.fail(request, reason));
    left.forEach(Runnable::run); // each finds the engine closed and says so
    schedule.close();
    model.close();
  }

  /** Ends what runs and waits with an error, and frees the model. */
  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
      lock.notifyAll();
    }
    boolean interrupted = false;
    while (thread.isAlive() && Thread.currentThread() != thread) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
