package dev.baichuan4j.server.stream;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads that turn what models write into bytes of responses. Nothing that runs on them waits, so
 * that a few serve any number of responses. They end when they have had nothing to do for a while.
 */
public final class AnswerThreads {
  private static final int MOST = Math.min(4, Runtime.getRuntime().availableProcessors());
  private static final long IDLE_SECONDS = 10;

  private static final ThreadPoolExecutor WORKERS =
      new ThreadPoolExecutor(
          MOST,
          MOST,
          IDLE_SECONDS,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(),
          named("answers"));

  private static final ScheduledThreadPoolExecutor CLOCK =
      new ScheduledThreadPoolExecutor(1, named("answers-clock"));

  static {
    WORKERS.allowCoreThreadTimeOut(true);
    CLOCK.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
    CLOCK.allowCoreThreadTimeOut(true);
    CLOCK.setRemoveOnCancelPolicy(true);
  }

  private AnswerThreads() {}

  /** Returns what runs tasks that do not wait. */
  public static Executor executor() {
    return WORKERS;
  }

  /** Runs short tasks at their time. */
  static ScheduledThreadPoolExecutor clock() {
    return CLOCK;
  }

  private static ThreadFactory named(String name) {
    AtomicInteger count = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }
}
