package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Priority;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Requests that come, are taken and are cancelled in any order. */
class FairQueuePropertiesTest {
  private static final int MOST_TOKENS = 200;

  private sealed interface Action {}

  private record Add(String caller, Priority priority, int tokens) implements Action {}

  /** Takes the request that is due first. */
  private record Take() implements Action {}

  /**
   * @param place of the request among those that wait, modulo their number
   */
  private record Cancel(int place) implements Action {}

  @Provide
  Arbitrary<List<Action>> actions() {
    Arbitrary<Action> cancel = Arbitraries.integers().between(0, 9).map(Cancel::new);
    return Arbitraries.oneOf(add(), take(), cancel).list().ofMaxSize(60);
  }

  @Provide
  Arbitrary<List<Action>> addsAndTakes() {
    return Arbitraries.oneOf(add(), add(), take()).list().ofMaxSize(300);
  }

  private static Arbitrary<Action> add() {
    return Combinators.combine(
            Arbitraries.of("a", "b", "c"),
            Arbitraries.of(Priority.class),
            Arbitraries.integers().between(1, MOST_TOKENS))
        .as(Add::new);
  }

  private static Arbitrary<Action> take() {
    return Arbitraries.just(new Take());
  }

  private static Request request(Add add) {
    return new RequestDouble(
        new int[add.tokens - 1], 1, new Terms(add.caller, add.priority, Optional.empty())) {
      @Override
      public int next(LogitsRow row) {
        throw new IllegalStateException("nobody runs it");
      }
    };
  }

  /**
   * Does what is asked for, but for requests that are left out, and all cancels then.
   *
   * @param cancelled gets the requests that were cancelled, by the places of their actions
   * @return the requests in the order in which they were taken, by the places of their actions
   */
  private static List<Integer> run(
      List<Action> actions, Set<Integer> leftOut, Set<Integer> cancelled) {
    FairQueue queue = new FairQueue();
    List<Request> waiting = new ArrayList<>();
    Map<Request, Integer> places = new HashMap<>();
    List<Integer> taken = new ArrayList<>();
    for (int i = 0; i < actions.size(); i++) {
      Action action = actions.get(i);
      if (action instanceof Add add && !leftOut.contains(i)) {
        Request request = request(add);
        places.put(request, i);
        waiting.add(request);
        queue.add(request);
      } else if (action instanceof Take && !waiting.isEmpty()) {
        Request first = queue.first();
        assertTrue(waiting.remove(first) && queue.take(first));
        taken.add(places.get(first));
      } else if (action instanceof Cancel cancel && leftOut.isEmpty() && !waiting.isEmpty()) {
        Request request = waiting.remove(cancel.place % waiting.size());
        assertTrue(queue.cancel(request));
        cancelled.add(places.get(request));
      }
      assertEquals(waiting.size(), queue.size());
    }
    return taken;
  }

  /** A cancelled request leaves all others where they were if it had never come. */
  @Property(tries = 1000, seed = "1")
  void whatIsCancelledCountsForNothing(@ForAll @From("actions") List<Action> actions) {
    Set<Integer> cancelled = new HashSet<>();
    List<Integer> taken = run(actions, Set.of(), cancelled);
    if (!cancelled.isEmpty()) {
      assertEquals(run(actions, cancelled, Set.of()), taken);
    }
  }

  /**
   * While a caller waits, what any other caller is served, as its priorities count it, exceeds what
   * the caller itself is served by no more than the greatest request of each: the bound of
   * start-time fair queueing. And the requests of one caller come in their order.
   */
  @Property(tries = 300, seed = "1")
  void nobodyIsPassedByMoreThanItsShare(@ForAll @From("addsAndTakes") List<Action> actions) {
    FairQueue queue = new FairQueue();
    Map<String, List<Request>> waiting = new HashMap<>();
    Map<String, Double> served = new HashMap<>();
    Map<String, Map<String, Double>> before =
        new HashMap<>(); // served, when a caller began to wait
    double greatest = MOST_TOKENS / Priority.LOW.share();
    for (Action action : actions) {
      if (action instanceof Add add) {
        Request request = request(add);
        queue.add(request);
        List<Request> own = waiting.computeIfAbsent(add.caller, caller -> new ArrayList<>());
        if (own.isEmpty()) {
          before.put(add.caller, new HashMap<>(served));
        }
        own.add(request);
      } else if (queue.size() > 0) {
        Request request = queue.first();
        queue.take(request);
        List<Request> own = waiting.get(request.caller());
        assertEquals(own.remove(0), request);
        served.merge(request.caller(), request.cost(), Double::sum);
        if (own.isEmpty()) {
          before.remove(request.caller());
        }
        before.forEach(
            (caller, then) -> {
              double gained = gained(served, then, caller);
              for (String other : served.keySet()) {
                assertTrue(gained(served, then, other) - gained <= 2 * greatest);
              }
            });
      }
    }
  }

  private static double gained(Map<String, Double> now, Map<String, Double> then, String caller) {
    return now.getOrDefault(caller, 0.0) - then.getOrDefault(caller, 0.0);
  }
}
