package dev.baichuan4j.internal.engine;

import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.RequestMetrics;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * What an engine has done and does, in numbers. Any thread may write and read; neither waits or
 * allocates, but for the snapshot itself.
 */
final class Counters {
  private static final FinishReason[] REASONS = FinishReason.values();

  /** Requests that had some time, and the sum of it. */
  private static final class Timer {
    private final AtomicLong count = new AtomicLong();
    private final AtomicLong nanos = new AtomicLong();

    void add(Duration time) {
      count.getAndIncrement();
      nanos.getAndAdd(time.toNanos());
    }

    EngineMetrics.Latency latency() {
      return new EngineMetrics.Latency(count.get(), Duration.ofNanos(nanos.get()));
    }
  }

  private volatile int waiting;
  private final AtomicInteger running = new AtomicInteger();
  private volatile int paused;
  private final AtomicLong submitted = new AtomicLong();
  private final AtomicLong rejected = new AtomicLong();
  private final AtomicLongArray finished = new AtomicLongArray(REASONS.length);
  private final AtomicLong failed = new AtomicLong();
  private final AtomicLong pauses = new AtomicLong();

  private final AtomicLong asked = new AtomicLong();
  private final AtomicLong cached = new AtomicLong();
  private final AtomicLong prompt = new AtomicLong();
  private final AtomicLong generated = new AtomicLong();
  private final AtomicLong drafted = new AtomicLong();
  private final AtomicLong accepted = new AtomicLong();

  private final int pages;
  private volatile int usedPages;
  private volatile int cachedPages;
  private volatile int sharedPages;
  private final AtomicLong evicted = new AtomicLong();

  private final AtomicLong steps = new AtomicLong();
  private final AtomicLong stepTokens = new AtomicLong();
  private final AtomicLong stepTexts = new AtomicLong();
  private final AtomicLong stepNanos = new AtomicLong();

  private final Timer queue = new Timer();
  private final Timer firstToken = new Timer();
  private final Timer perToken = new Timer();

  /**
   * @param pages of the cache
   */
  Counters(int pages) {
    this.pages = pages;
  }

  void submitted() {
    submitted.getAndIncrement();
  }

  void rejected() {
    rejected.getAndIncrement();
  }

  /** The queue has this length now. */
  void waiting(int requests) {
    waiting = requests;
  }

  /** A request has left the queue; some tokens of its prompt are in the cache. */
  void began(int promptTokens, int cachedTokens) {
    running.getAndIncrement();
    asked.getAndAdd(promptTokens);
    cached.getAndAdd(cachedTokens);
  }

  /** More tokens of a text are in the cache than when it began. */
  void found(int tokens) {
    cached.getAndAdd(tokens);
  }

  /** A text gave its pages to an older one. */
  void paused() {
    pauses.getAndIncrement();
  }

  /** So many texts are paused now. */
  void paused(int texts) {
    paused = texts;
  }

  /** The pages that texts hold, that the index alone holds, and that several texts hold, now. */
  void pages(int used, int cached, int shared) {
    usedPages = used;
    cachedPages = cached;
    sharedPages = shared;
  }

  /** A page gave way. */
  void evicted() {
    evicted.getAndIncrement();
  }

  void step(int tokens, int texts, long nanos) {
    steps.getAndIncrement();
    stepTokens.getAndAdd(tokens);
    stepTexts.getAndAdd(texts);
    stepNanos.getAndAdd(nanos);
  }

  /** Tokens of a prompt were computed. */
  void read(int tokens) {
    prompt.getAndAdd(tokens);
  }

  void generated(int tokens) {
    generated.getAndAdd(tokens);
  }

  /** A part of a request ended, which ran if it had left the queue. */
  void partEnded(boolean ran) {
    if (ran) {
      running.getAndDecrement();
    }
  }

  /** Guesses of tokens were verified, and some were right. */
  void drafted(int verified, int right) {
    drafted.getAndAdd(verified);
    accepted.getAndAdd(right);
  }

  /** A request ended, which ran if it had left the queue. */
  void ended(RequestMetrics request, boolean ran, boolean started) {
    if (ran) {
      running.getAndDecrement();
    }
    if (request.reason().isPresent()) {
      finished.getAndIncrement(request.reason().get().ordinal());
    } else {
      failed.getAndIncrement();
    }
    if (started) {
      queue.add(request.timings().queued());
    }
    request.timeToFirstToken().ifPresent(firstToken::add);
    request.timePerToken().ifPresent(perToken::add);
  }

  EngineMetrics snapshot() {
    Map<FinishReason, Long> reasons = new EnumMap<>(FinishReason.class);
    for (FinishReason reason : REASONS) {
      reasons.put(reason, finished.get(reason.ordinal()));
    }
    return new EngineMetrics(
        new EngineMetrics.Requests(
            waiting,
            running.get(),
            paused,
            submitted.get(),
            rejected.get(),
            reasons,
            failed.get(),
            pauses.get()),
        new EngineMetrics.Tokens(
            asked.get(),
            cached.get(),
            prompt.get(),
            generated.get(),
            drafted.get(),
            accepted.get()),
        new EngineMetrics.Pages(pages, usedPages, cachedPages, sharedPages, evicted.get()),
        new EngineMetrics.Steps(
            steps.get(), stepTokens.get(), stepTexts.get(), Duration.ofNanos(stepNanos.get())),
        queue.latency(),
        firstToken.latency(),
        perToken.latency());
  }
}
