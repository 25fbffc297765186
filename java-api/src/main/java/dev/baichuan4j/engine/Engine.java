package dev.baichuan4j.engine;

import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.QueueFullException;
import dev.baichuan4j.nn.ElementType;
import dev.baichuan4j.nn.Forward;
import dev.baichuan4j.nn.KvPages;
import dev.baichuan4j.nn.Model;
import dev.baichuan4j.nn.Ops;
import dev.baichuan4j.nn.Step;
import dev.baichuan4j.nn.TopLogits;
import java.util.ArrayDeque;
import java.util.ArrayList;
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

  /** Rows of logits that {@link #score} takes in a step: a bound on the buffer [R,V]. */
  private static final int SCORE_ROWS = 64;

  private static final class Active {
    final Request request;
    final Sequence sequence;
    int fed; // tokens of this step
    int row = -1; // its row of logits in this step
    boolean triesTop; // of this row
    int generated;

    Active(Request request, Sequence sequence) {
      this.request = request;
      this.sequence = sequence;
    }
  }

  private final Model model;
  private final Limits limits;
  private final CachePool cache;
  private final Forward forward;
  private final Step step;
  private final float[] logits;
  private final List<Active> active = new ArrayList<>();
  private final Object lock = new Object();
  private final Deque<Request> queue = new ArrayDeque<>();
  private final Deque<Runnable> tasks = new ArrayDeque<>();
  private final Thread thread;
  private boolean closed;

  /** Takes over the model: closing the engine closes it. */
  public Engine(Model model, Limits limits) {
    this.model = model;
    this.limits = limits;
    KvPages pages = new KvPages(model.ops(), model.config(), limits.cacheType(), limits.pages());
    this.cache = new CachePool(pages, KvPages.pageBytes(model.config(), limits.cacheType()));
    int rows = Math.max(limits.maxConcurrent(), SCORE_ROWS);
    this.forward =
        new Forward(
            model,
            pages,
            Math.max(limits.chunkTokens(), leastTokens(model.ops(), limits)),
            limits.maxConcurrent(),
            rows,
            limits.pageSlots());
    this.step = new Step(limits.pageSlots());
    this.logits = new float[model.config().vocabularySize()];
    this.thread = new Thread(this::run, "baichuan-engine");
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * A token of every text being written but one, and two smallest pieces of the last one's prompt.
   */
  private static int leastTokens(Ops ops, Limits limits) {
    return limits.maxConcurrent() - 1 + 2 * Forward.smallestPiece(ops) - 1;
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

  /** Receives logits. */
  @FunctionalInterface
  public interface RowConsumer {
    /**
     * @param position position of the token that these logits follow
     * @param logits [V], valid during the call
     */
    void row(int position, float[] logits);
  }

  /**
   * Feeds ids and hands out logits; waits until done. Other requests pause meanwhile.
   *
   * @param ids at least one
   * @param all logits of every position, or of the last only
   * @param chunk most tokens of a step; 0 for the engine's choice
   * @throws ContextOverflowException when there are more ids than positions
   */
  public void score(int[] ids, boolean all, int chunk, RowConsumer consumer) {
    if (ids.length > limits.contextLength()) {
      throw new ContextOverflowException(ids.length, limits.contextLength());
    }
    runAndWait(() -> scoreNow(ids, all, chunk, consumer));
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

  private void scoreNow(int[] ids, boolean all, int chunk, RowConsumer consumer) {
    Sequence sequence = cache.sequence(ids);
    try {
      if (!cache.reserve(sequence, ids.length)) {
        throw cache.exhausted(ids.length);
      }
      int most = all ? Math.min(forward.maxTokens(), SCORE_ROWS) : forward.maxTokens();
      int size = chunk > 0 ? Math.min(chunk, most) : most;
      while (sequence.pending() > 0) {
        int from = sequence.cached();
        int count = Math.min(size, sequence.pending());
        boolean last = count == sequence.pending();
        step.clear();
        step.add(ids, from, count, sequence.pages(), all ? count : last ? 1 : 0);
        forward.run(step);
        sequence.computed(count);
        for (int i = 0; i < step.logits(); i++) {
          forward.logits(i, logits);
          consumer.row(from + count - step.logits() + i, logits);
        }
      }
    } finally {
      sequence.release();
    }
  }

  /** Forgets what a conversation left in the cache. */
  public void release(SessionCache session) {
    synchronized (lock) {
      if (closed) {
        return;
      }
      tasks.add(() -> cache.release(session));
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
        while (!closed && tasks.isEmpty() && queue.isEmpty() && active.isEmpty()) {
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
      if (!active.isEmpty()) {
        stepAll();
      }
    }
  }

  /** Starts waiting requests, in order, as long as there is room. */
  private void admit() {
    while (active.size() < limits.maxConcurrent()) {
      Request request;
      synchronized (lock) {
        request = queue.peek();
      }
      if (request == null) {
        return;
      }
      SessionCache session = request.session();
      if (session != null && session.busy) {
        takeFirst();
        fail(request, new IllegalStateException("session already generates; wait for its end"));
        continue;
      }
      Sequence sequence =
          session == null
              ? cache.sequence(request.prompt())
              : cache.sequence(session, request.prompt());
      int positions =
          Math.min(request.prompt().length + request.maxNewTokens(), limits.contextLength());
      if (!cache.reserve(sequence, positions)) {
        if (!active.isEmpty()) {
          return; // pages come free when one of these ends
        }
        takeFirst();
        sequence.release();
        fail(request, cache.exhausted(positions));
        continue;
      }
      if (session != null) {
        cache.use(session, sequence);
      }
      takeFirst();
      active.add(new Active(request, sequence));
      request.started(sequence.cached());
    }
  }

  private void takeFirst() {
    synchronized (lock) {
      queue.poll();
    }
  }

  private void stepAll() {
    endCancelled();
    if (active.isEmpty()) {
      return;
    }
    TopLogits top;
    try {
      compose();
      forward.run(step);
      top = step.ranked() ? forward.topLogits(step) : null;
    } catch (RuntimeException | Error e) {
      failAll(unchecked(e));
      return;
    }
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      a.sequence.computed(a.fed);
      if (a.row < 0) {
        continue;
      }
      try {
        FinishReason reason = takeToken(a, top);
        if (reason != null) {
          active.remove(i--);
          finish(a, reason);
        }
      } catch (RuntimeException | Error e) {
        active.remove(i--);
        end(a);
        fail(a.request, unchecked(e));
      }
    }
  }

  private void endCancelled() {
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      if (a.request.cancelled()) {
        active.remove(i--);
        finish(a, FinishReason.CANCELLED);
      }
    }
  }

  /**
   * Fills the step: texts being written first, so that a long prompt does not hold them up; prompts
   * share what is left.
   */
  private void compose() {
    step.clear();
    int room = forward.maxTokens();
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      a.fed = a.sequence.pending() == 1 ? 1 : 0;
      room -= a.fed;
    }
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      if (a.fed == 0) {
        a.fed = piece(a.sequence.pending(), room, forward.smallestPiece());
        room -= a.fed;
      }
      a.row = -1;
      if (a.fed > 0) {
        Sequence s = a.sequence;
        boolean complete = a.fed == s.pending();
        int row = step.add(s.tokens(), s.cached(), a.fed, s.pages(), complete ? 1 : 0);
        a.row = complete ? row : -1;
        a.triesTop = complete && a.request.triesTop(forward.topCount());
        if (a.triesTop) {
          step.rank();
        }
      }
    }
  }

  /**
   * Tokens of a prompt that a step feeds: all that are pending or, where there is no room for them,
   * a piece that is not smaller than the smallest and leaves no less, so that no result depends on
   * where a prompt is cut. With no room for such a piece, 0.
   */
  static int piece(int pending, int room, int smallest) {
    if (pending <= room) {
      return pending;
    }
    int piece = Math.min(room, pending - smallest);
    return piece < smallest ? 0 : piece;
  }

  /**
   * Lets a request choose its next token, and returns why it ends; null if it goes on.
   *
   * @param top of this step; null if no row tries them
   */
  private FinishReason takeToken(Active a, TopLogits top) {
    int token = a.triesTop ? a.request.next(top, a.row) : Sampler.NONE;
    if (token == Sampler.NONE) {
      forward.logits(a.row, logits);
      token = a.request.next(logits);
    }
    a.sequence.append(token);
    a.generated++;
    if (a.request.ended()) {
      return FinishReason.STOP;
    }
    boolean full =
        a.generated >= a.request.maxNewTokens() || a.sequence.length() >= limits.contextLength();
    return full ? FinishReason.LENGTH : null;
  }

  private void end(Active a) {
    if (a.request.session() == null) {
      a.sequence.release();
    } else {
      cache.end(a.request.session());
    }
  }

  private void finish(Active a, FinishReason reason) {
    end(a);
    try {
      a.request.finished(reason);
    } catch (RuntimeException | Error e) {
      fail(a.request, unchecked(e));
    }
  }

  /** Tells a request; what it makes of it does not keep others from being told. */
  private static void fail(Request request, RuntimeException failure) {
    try {
      request.failed(failure);
    } catch (RuntimeException | Error e) {
      log.error("request could not be told that it failed", e);
    }
  }

  private static RuntimeException unchecked(Throwable e) {
    return e instanceof RuntimeException r ? r : new IllegalStateException(e);
  }

  private void failAll(RuntimeException failure) {
    List<Active> failed = List.copyOf(active);
    active.clear();
    for (Active a : failed) {
      a.sequence.release();
      end(a);
      fail(a.request, failure);
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
    failAll(reason);
    waiting.forEach(request -> fail(request, reason));
    left.forEach(Runnable::run); // each finds the engine closed and says so
    forward.close();
    cache.close();
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
