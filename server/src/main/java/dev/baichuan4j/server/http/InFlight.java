package dev.baichuan4j.server.http;

import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Cancellation;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * Knows the requests that are worked on: it bounds their number, and ends them when the server
 * does. Some paths are exempt: they are answered whatever is going on.
 */
final class InFlight extends Handler.Wrapper {
  private static final Duration RETRY = Duration.ofSeconds(1);

  private final int limit;
  private final Set<String> exempt;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition none = lock.newCondition();
  private final Set<Cancellation> requests = new HashSet<>();
  private boolean draining;

  InFlight(int limit, Set<String> exempt) {
    this.limit = limit;
    this.exempt = exempt;
  }

  /** Returns what refuses requests of a server that ends, before their bodies are read. */
  Handler.Wrapper refusal() {
    return new Handler.Wrapper() {
      @Override
      public boolean handle(Request request, Response response, Callback callback)
          throws Exception {
        if (isDraining() && !isExempt(request)) {
          Answers.refuseAndClose(request, response, callback, ending());
          return true;
        }
        return super.handle(request, response, callback);
      }
    };
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    if (isExempt(request)) {
      return super.handle(request, response, callback);
    }
    Cancellation cancellation = (Cancellation) request.getAttribute(Cancellation.ATTRIBUTE);
    lock.lock();
    try {
      if (draining) {
        Answers.refuseAndClose(request, response, callback, ending());
        return true;
      }
      if (requests.size() >= limit) {
        Answers.refuse(request, response, callback, tooMany());
        return true;
      }
      requests.add(cancellation);
    } finally {
      lock.unlock();
    }
    Request.addCompletionListener(request, failure -> ended(cancellation));
    return super.handle(request, response, callback);
  }

  private boolean isExempt(Request request) {
    return exempt.contains(Request.getPathInContext(request));
  }

  private void ended(Cancellation cancellation) {
    lock.lock();
    try {
      requests.remove(cancellation);
      if (requests.isEmpty()) {
        none.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Takes no more requests. */
  void drain() {
    lock.lock();
    try {
      draining = true;
    } finally {
      lock.unlock();
    }
  }

  boolean isDraining() {
    lock.lock();
    try {
      return draining;
    } finally {
      lock.unlock();
    }
  }

  /** Returns the requests that are worked on. */
  int size() {
    lock.lock();
    try {
      return requests.size();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until no request is worked on.
   *
   * @return whether that has come within the time
   */
  boolean awaitNone(Duration time) throws InterruptedException {
    lock.lock();
    try {
      long left = time.toNanos();
      while (!requests.isEmpty() && left > 0) {
        left = none.awaitNanos(left);
      }
      return requests.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** Cancels what is still worked on. */
  void cancelAll() {
    List<Cancellation> all;
    lock.lock();
    try {
      all = List.copyOf(requests);
    } finally {
      lock.unlock();
    }
    all.forEach(request -> request.cancel(Cancellation.Reason.SHUTDOWN));
  }

  private static ApiException ending() {
    return ApiException.busy(
        503, ApiErrors.SERVER_ERROR, "shutting_down", RETRY, "The server ends and takes no more.");
  }

  private ApiException tooMany() {
    return ApiException.busy(
        503,
        ApiErrors.SERVER_ERROR,
        "overloaded",
        RETRY,
        "The server works on " + limit + " requests already, which is its limit.");
  }
}
