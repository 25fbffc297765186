package dev.baichuan4j.internal.engine;

import dev.baichuan4j.AdapterInfo;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.DeviceException;
import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.LogitsConsumer;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.QueueFullException;
import dev.baichuan4j.RequestListener;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.engine.draft.DraftPlan;
import dev.baichuan4j.internal.nn.DeviceFacts;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.nn.Threads;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One thread that owns a model and runs all requests on it, batched: each step feeds one token of
 * every text being written and pieces of the prompts that wait (continuous batching). Results of a
 * request do not depend on what else runs. Methods may be called from any thread.
 *
 * <p>The thread does not keep the owner of the engine reachable, so that an owner that was dropped
 * without closing can be noticed; see {@link dev.baichuan4j.Baichuan}.
 */
public final class Engine implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Engine.class);

  /**
   * The sizes that the engine is made for.
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
      return Layout.pagesFor(contextLength);
    }
  }

  /** Bytes of the buffers of its steps. */
  public static long workspaceBytes(
      Architecture model, DeviceFacts facts, int chunkTokens, int maxConcurrent) {
    return Schedule.workspaceBytes(model, facts, chunkTokens, maxConcurrent);
  }

  /** Bytes of the buffers of a draft model's steps. */
  public static long draftWorkspaceBytes(
      Architecture model, DeviceFacts facts, int chunkTokens, int maxConcurrent) {
    return DraftModel.workspaceBytes(model, facts, chunkTokens, maxConcurrent);
  }

  private final Model model;
  private final Limits limits;
  private final Counters counters;
  private final Observers observers = new Observers();
  private final Mailbox mailbox;
  private final Schedule schedule;
  private final Texts texts;
  private final Adapters adapters;
  private final Runnable admitWaiting = this::admitWaiting;
  private final Thread thread;
  private final CountDownLatch ended = new CountDownLatch(1); // what the thread does is done

  /**
   * Takes over the model: closing the engine closes it.
   *
   * @throws DeviceException when the system refuses the engine's thread; the model is closed then
   */
  public Engine(Model model, Limits limits) {
    this(model, limits, Optional.empty());
  }

  /**
   * Takes over the model: closing the engine closes it, and the draft model, which is on the same
   * context.
   *
   * @param draft what guesses the tokens of texts that want it
   * @throws DeviceException when the system refuses the engine's thread; the model is closed then
   */
  public Engine(Model model, Limits limits, Optional<Draft> draft) {
    this(model, limits, draft, new DraftPlan(limits.maxConcurrent(), Speculation.MOST_DRAFTS));
  }

  /** Creates an engine that verifies the drafts that a plan chooses; see the other constructors. */
  public Engine(Model model, Limits limits, Optional<Draft> draft, DraftPlan plan) {
    this.model = model;
    this.limits = limits;
    this.counters = new Counters(limits.pages());
    this.mailbox = new Mailbox(limits.maxQueued(), counters, observers);
    DraftModel guesses =
        draft.map(d -> new DraftModel(d.model(), d.cacheType(), limits)).orElse(null);
    this.schedule = new Schedule(model, limits, plan, guesses, counters);
    this.texts = schedule.texts();
    this.adapters =
        new Adapters(model.adapters(), model.architecture(), this::runAndWait, mailbox::post);
    boolean inheritThreadLocals = false; // of a caller whose values are not to live as long
    this.thread = new Thread(null, this::run, "baichuan-engine", 0, inheritThreadLocals);
    thread.setDaemon(true);
    try {
      Threads.start(thread, "the engine");
    } catch (DeviceException e) {
      schedule.close();
      model.close();
      throw e;
    }
  }

  public Limits limits() {
    return limits;
  }

  public Model model() {
    return model;
  }

  /** What it has done so far. */
  public EngineMetrics metrics() {
    return counters.snapshot();
  }

  /** Has a listener told of the end of each request, on the thread that ends it. */
  public void addListener(RequestListener listener) {
    observers.add(listener);
  }

  public void removeListener(RequestListener listener) {
    observers.remove(listener);
  }

  /**
   * Queues a request.
   *
   * @throws ContextOverflowException when the prompt leaves no room for what the request may write
   * @throws QueueFullException when too many wait
   * @throws IllegalStateException when the engine is closed
   */
  public void submit(Request request) {
    requireRoom(request.prompt().length, request.leastNewTokens());
    request.holdAdapter(adapters);
    boolean added = false;
    try {
      mailbox.add(request);
      added = true;
    } finally {
      if (!added) {
        request.releaseAdapter();
      }
    }
  }

  /**
   * Loads an adapter, while requests go on.
   *
   * @throws dev.baichuan4j.ModelFormatException when it cannot be read, or is of another model
   * @throws InvalidRequestException when the name is in use, the model cannot have the adapter
   *     beside its weights, or there is too little memory for it
   * @throws OperationInterruptedException when this thread is interrupted; nothing is loaded then
   * @throws IllegalStateException when the engine is closed
   */
  public AdapterInfo loadAdapter(String name, Path folder) {
    requireOpen();
    return adapters.load(name, folder);
  }

  /**
   * Takes an adapter's name away. Requests that use it go on; its memory comes free when they have
   * ended.
   *
   * @throws InvalidRequestException when there is none of that name
   */
  public void dropAdapter(String name) {
    requireOpen();
    adapters.drop(name);
  }

  /** The adapters that requests may choose, by name. */
  public List<AdapterInfo> adapters() {
    requireOpen();
    return adapters.list();
  }

  /** Refuses a text that has more tokens than the context has positions. */
  public void requireRoom(int tokens, int newTokens) {
    if (tokens + newTokens > limits.contextLength()) {
      throw new ContextOverflowException(tokens, newTokens, limits.contextLength());
    }
  }

  /**
   * Queues a request that goes on with what an earlier one began: it is let in however many wait,
   * and its time is over when that of the earlier one is. One that is cancelled already ends here,
   * and where the engine is closed it fails here, so that each of several is told one end.
   */
  public void submitNext(Request request, Request earlier) {
    request.holdAdapterOf(earlier);
    mailbox.addNext(request, earlier);
  }

  /**
   * Feeds ids and hands out logits, on this thread; waits until done. Other requests run beside it.
   *
   * @param ids at least one
   * @param all logits of every position, or of the last only
   * @param chunk most tokens of a step; 0 for the engine's choice
   * @throws ContextOverflowException when there are more ids than positions
   * @throws QueueFullException when too many requests wait
   * @throws OperationInterruptedException when this thread is interrupted
   * @throws IllegalStateException when the engine is closed
   */
  public void score(int[] ids, boolean all, int chunk, LogitsConsumer consumer) {
    score(ids, all, chunk, Terms.USUAL, consumer);
  }

  /** The same on terms of its caller. */
  public void score(int[] ids, boolean all, int chunk, Terms terms, LogitsConsumer consumer) {
    ScoreRequest request = new ScoreRequest(ids.clone(), all, schedule.scoringTokens(chunk), terms);
    submit(request);
    request.giveRows(consumer);
  }

  /** What a thread gets that is interrupted, and whose flag is set again, while it waits here. */
  public static OperationInterruptedException interrupted(String operation, Exception cause) {
    Thread.currentThread().interrupt();
    return new OperationInterruptedException(
        operation, "it has ended, and what it had computed is gone; call again", cause);
  }

  /**
   * Holds what the cache has of the beginning of a text; see {@link CachedPages}.
   *
   * @param operation what for, as the subject of a message
   * @throws OperationInterruptedException when this thread is interrupted
   * @throws IllegalStateException when the engine is closed
   */
  public CachedPages cachedPages(int[] text, String operation) {
    CachedPages pages = new CachedPages(this, schedule.cache(), text, operation);
    boolean held = false;
    try {
      pages.hold();
      held = true;
      return pages;
    } finally {
      if (!held) {
        pages.close(); // an interrupt does not say whether they are held by now
      }
    }
  }

  /**
   * Runs something on the engine's thread.
   *
   * @param operation what it is, for the message
   * @throws OperationInterruptedException when this thread is interrupted; work that has not begun
   *     is left out then
   */
  void runAndWait(String operation, Runnable work) {
    Runnable whileOpen =
        () -> {
          requireOpen();
          work.run();
        };
    new Errand(operation, whileOpen).runOn(mailbox::post);
  }

  /** Runs something on the engine's thread and does not wait for it; see {@link Mailbox#post}. */
  void post(Runnable work) {
    mailbox.post(work);
  }

  /**
   * Binds the engine's thread and the workers to a physical core each.
   *
   * @throws InvalidRequestException see {@link Ops#pin}
   */
  public void pin() {
    runAndWait("pin", model.ops()::pin);
  }

  /**
   * @throws IllegalStateException when the engine is closed
   */
  public void requireOpen() {
    mailbox.requireOpen();
  }

  private void run() {
    Throwable cause = null;
    try {
      serve();
    } catch (RuntimeException | Error e) {
      // Whoever waits gets an answer even then: everything is ended as by close().
      log.error("engine thread failed and ends", e);
      cause = e;
      mailbox.close();
    }
    try {
      shutDown(new IllegalStateException("model is closed", cause));
    } finally {
      ended.countDown();
    }
  }

  private void serve() {
    LongSupplier nanosLeft = texts::nanosLeft; // once: a step allocates nothing
    boolean idle = false; // nothing can go on before something happens
    while (mailbox.await(idle, nanosLeft)) {
      Runnable task = mailbox.nextTask();
      if (task != null) {
        task.run();
      }
      boolean admitted = admit();
      schedule.count();
      boolean stepped = schedule.step(admitWaiting);
      idle = task == null && !admitted && !stepped;
    }
  }

  /** Starts what has come since a step began, in the middle of it. */
  private void admitWaiting() {
    if (mailbox.hasRequests()) {
      admit();
    }
  }

  /** Starts waiting requests, in order, as long as there is room; false if none was. */
  private boolean admit() {
    boolean any = expire() | texts.resume();
    while (texts.hasRoom()) {
      Request request = mailbox.first();
      if (request == null || !texts.admit(request, () -> mailbox.take(request))) {
        break;
      }
      any = true;
    }
    return any;
  }

  /** Ends waiting requests whose time is over; false if there were none. */
  private boolean expire() {
    List<Request> expired = mailbox.expired();
    if (expired.isEmpty()) {
      return false;
    }
    for (Request request : expired) {
      if (mailbox.cancel(request)) {
        request.finish(FinishReason.TIMEOUT);
      }
    }
    return true;
  }

  private void shutDown(IllegalStateException reason) {
    texts.failAll(reason);
    mailbox.drain().forEach(request -> request.fail(reason));
    for (Runnable task = mailbox.nextTask(); task != null; task = mailbox.nextTask()) {
      task.run(); // each finds the engine closed and says so
    }
    schedule.close();
    model.close();
  }

  public boolean isClosed() {
    return mailbox.isClosed();
  }

  /**
   * Ends what runs and waits with an error, and frees the model. Waits for the step in progress; an
   * interrupt does not end that wait, and the flag is set afterwards.
   */
  @Override
  public void close() {
    mailbox.close();
    boolean interrupted = false;
    while (thread.isAlive() && Thread.currentThread() != thread) {
      try {
        ended.await(); // parks a virtual thread, which Thread.join would pin
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
