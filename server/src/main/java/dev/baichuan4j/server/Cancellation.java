package dev.baichuan4j.server;

import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Ends the work for a request whose answer nobody waits for, or that the server has no more time
 * for. Thread-safe.
 *
 * <pre>{@code
 * Generation generation = model.chat(messages, options);
 * Cancellation.of(context).onCancel(generation::cancel);
 * }</pre>
 */
public final class Cancellation {
  /** Why a request is cancelled. */
  public enum Reason {
    /** The client has closed its connection, so there is nobody to answer. */
    CLIENT_GONE,
    /** The server ends: what has been written so far is to be ended properly. */
    SHUTDOWN
  }

  /** The attribute of a request that holds its cancellation. */
  public static final String ATTRIBUTE = "cancellation";

  private final List<Runnable> tasks = new ArrayList<>();
  private Reason reason;

  /** Returns that of a request. */
  public static Cancellation of(Context context) {
    Cancellation known = context.attribute(ATTRIBUTE);
    if (known == null) {
      known = new Cancellation();
      context.attribute(ATTRIBUTE, known);
    }
    return known;
  }

  /** Has a task run once when the request is cancelled; at once where it is already. */
  public void onCancel(Runnable task) {
    Objects.requireNonNull(task, "task");
    synchronized (this) {
      if (reason == null) {
        tasks.add(task);
        return;
      }
    }
    task.run();
  }

  /** Returns why the request is cancelled; empty while it is not. */
  public synchronized Optional<Reason> reason() {
    return Optional.ofNullable(reason);
  }

  /** Cancels the request. Only the first call has an effect. */
  public void cancel(Reason why) {
    Objects.requireNonNull(why, "why");
    List<Runnable> all;
    synchronized (this) {
      if (reason != null) {
        return;
      }
      reason = why;
      all = List.copyOf(tasks);
      tasks.clear();
    }
    all.forEach(Runnable::run);
  }
}
