package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Priority;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FairQueueTest {
  private final FairQueue queue = new FairQueue();

  private static Request request(String caller, Priority priority, int tokens) {
    return new RequestDouble(
        new int[tokens - 1], 1, new Terms(caller, priority, Optional.empty())) {
      @Override
      public int next(LogitsRow row) {
        return 0;
      }
    };
  }

  private Request add(String caller, int tokens) {
    Request request = request(caller, Priority.NORMAL, tokens);
    queue.add(request);
    return request;
  }

  private Request take() {
    Request first = queue.first();
    assertTrue(queue.take(first));
    return first;
  }

  @Test
  void requestsOfOneCallerComeInTheirOrder() {
    List<Request> requests = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      requests.add(add("a", 1 + 37 * i % 11));
    }
    for (Request request : requests) {
      assertEquals(request, take());
    }
    assertNull(queue.first());
  }

  @Test
  void aCallerWithManyRequestsDoesNotHoldUpOneWithOne() {
    for (int i = 0; i < 1000; i++) {
      add("many", 100);
    }
    take();
    take();
    Request one = add("one", 5000);
    assertEquals(one, take()); // what the other has had counts
  }

  @Test
  void whatIsCancelledCountsForNothing() {
    Request cancelled = add("a", 1_000_000);
    Request b = add("b", 10);
    assertTrue(queue.cancel(cancelled));
    assertFalse(queue.cancel(cancelled));
    Request a = add("a", 10);
    assertEquals(b, take());
    assertEquals(a, take());
    assertEquals(0, queue.size());
  }

  @Test
  void prioritiesAreShares() {
    for (int i = 0; i < 900; i++) {
      queue.add(request("low", Priority.LOW, 10));
      queue.add(request("high", Priority.HIGH, 10));
      queue.add(request("normal", Priority.NORMAL, 10));
    }
    Map<String, Integer> taken = new HashMap<>();
    for (int i = 0; i < 730; i++) {
      taken.merge(take().caller(), 1, Integer::sum);
    }
    assertEquals(640, taken.get("high"), 2);
    assertEquals(80, taken.get("normal"), 2);
    assertEquals(10, taken.get("low"), 2);
  }

  @Test
  void timeIsOverForThoseThatWereGivenSome() {
    Request soon =
        new RequestDouble(
            new int[1], 1, new Terms("", Priority.LOW, Optional.of(Duration.ofNanos(1)))) {
          @Override
          public int next(LogitsRow row) {
            return 0;
          }
        };
    add("a", 1);
    queue.add(soon);
    assertEquals(Long.MAX_VALUE, queue.nanosLeft()); // it runs from the submission on
    soon.submittedTo(new Mailbox(1, new Counters(1), new Observers()));
    while (queue.nanosLeft() > 0) {
      Thread.onSpinWait();
    }
    assertEquals(List.of(soon), queue.expired());
  }
}
