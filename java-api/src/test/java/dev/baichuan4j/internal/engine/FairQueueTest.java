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
import java.util.SplittableRandom;
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

  /**
   * While a request waits, any other caller of its priority is served at most what the caller's
   * last request before has, and one more: the bound of start-time fair queueing.
   */
  @Test
  void nobodyIsPassedByMoreThanItsShare() {
    SplittableRandom random = new SplittableRandom(7);
    int most = 200;
    String[] callers = {"a", "b", "c", "d"};
    Map<String, Long> served = new HashMap<>();
    Map<String, Integer> waiting = new HashMap<>();
    Map<String, Map<String, Long>> since = new HashMap<>(); // served, when a caller began to wait
    for (int round = 0; round < 20_000; round++) {
      String caller = callers[random.nextInt(random.nextInt(4) + 1)]; // "a" most of all
      if (random.nextInt(3) > 0 && queue.size() < 300) {
        add(caller, 1 + random.nextInt(most));
        if (waiting.merge(caller, 1, Integer::sum) == 1) {
          since.put(caller, new HashMap<>(served));
        }
      } else if (queue.size() > 0) {
        Request request = take();
        served.merge(request.caller(), (long) request.prompt().length + 1, Long::sum);
        if (waiting.merge(request.caller(), -1, Integer::sum) == 0) {
          since.remove(request.caller());
        }
        for (Map.Entry<String, Map<String, Long>> who : since.entrySet()) {
          long own = gained(served, who.getValue(), who.getKey());
          for (String other : since.keySet()) {
            assertTrue(gained(served, who.getValue(), other) - own <= 2 * most);
          }
        }
      }
    }
  }

  private static long gained(Map<String, Long> now, Map<String, Long> then, String caller) {
    return now.getOrDefault(caller, 0L) - then.getOrDefault(caller, 0L);
  }
}
