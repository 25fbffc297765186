package dev.baichuan4j.internal.api;

import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.ValueRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The requests of one call. No more of them are under way than a step has texts, so that a long
 * list leaves the queue to others.
 */
final class RequestGroup {
  private RequestGroup() {}

  /**
   * Runs requests, and waits for their values. Where one fails, or this thread is interrupted, the
   * others are cancelled.
   *
   * @param operation what they compute, for messages
   * @return the values in the order of the requests
   */
  static <T> List<T> run(
      Engine engine, String operation, List<? extends ValueRequest<T>> requests) {
    Semaphore room = new Semaphore(engine.limits().maxConcurrent());
    AtomicBoolean failed = new AtomicBoolean();
    List<T> values = new ArrayList<>(requests.size());
    try {
      for (ValueRequest<T> request : requests) {
        room.acquire();
        if (failed.get()) {
          break; // one of those before it, whose value is asked for below
        }
        request
            .value()
            .whenComplete(
                (value, failure) -> {
                  failed.compareAndSet(false, failure != null);
                  room.release();
                });
        engine.submit(request);
      }
      for (ValueRequest<T> request : requests) {
        values.add(request.value().get());
      }
      return values;
    } catch (InterruptedException e) {
      throw Engine.interrupted(operation, e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new IllegalStateException(e.getCause());
    } finally {
      if (values.size() < requests.size()) {
        requests.forEach(ValueRequest::cancel);
      }
    }
  }
}
