package dev.baichuan4j.internal.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The requests that wait. Callers get equal shares of the tokens, however many requests each of
 * them sends: a request is due when all that its caller asked for before has had its share
 * (start-time fair queueing, Goyal et al. 1996). A priority divides what a request counts. Among
 * the requests of one caller and one priority, the first comes first.
 *
 * <p>Nobody starves: a request that waits is passed by at most as many tokens of each other caller
 * as that caller's next request has, times the quotient of their priorities, and what was due
 * before it came.
 *
 * <p>Guarded by the lock of its {@link Mailbox}.
 */
final class FairQueue {
  /**
   * @param came what {@link #now} was when it came
   * @param start when it is due
   */
  private record Place(Request request, double came, double start, long number) {
    String caller() {
      return request.caller();
    }

    double end() {
      return start + request.cost();
    }
  }

  private static final Comparator<Place> FIRST_DUE =
      Comparator.comparingDouble(Place::start).thenComparingLong(Place::number);

  private final TreeSet<Place> places = new TreeSet<>(FIRST_DUE);
  private final Map<Request, Place> placeOf = new HashMap<>();
  private final Map<String, Double> ends = new HashMap<>(); // of what each caller has asked for
  private double now; // start of the request that was taken last
  private long number;

  int size() {
    return places.size();
  }

  void add(Request request) {
    double start = Math.max(now, ends.getOrDefault(request.caller(), now));
    put(new Place(request, now, start, number++));
  }

  private void put(Place place) {
    places.add(place);
    placeOf.put(place.request(), place);
    ends.put(place.caller(), place.end());
  }

  /** The request that is due first; null if none waits. */
  Request first() {
    return places.isEmpty() ? null : places.first().request();
  }

  /** Takes a request out to run it; false if it is not here. */
  boolean take(Request request) {
    Place place = placeOf.remove(request);
    if (place == null) {
      return false;
    }
    places.remove(place);
    now = Math.max(now, place.start());
    ends.values().removeIf(end -> end <= now); // as if these callers had never come
    return true;
  }

  /**
   * Takes out a request that will not run; false if it is not here. What its caller has asked for
   * since moves up, as if this one had never come.
   */
  boolean cancel(Request request) {
    Place place = placeOf.remove(request);
    if (place == null) {
      return false;
    }
    List<Place> behind = new ArrayList<>(); // in the order in which they came
    for (Place other : places.tailSet(place, false)) {
      if (other.caller().equals(place.caller())) {
        behind.add(other);
      }
    }
    places.remove(place);
    double end = place.start();
    ends.computeIfPresent(place.caller(), (caller, last) -> place.start());
    for (Place other : behind) {
      places.remove(other);
      double start = Math.max(other.came(), end);
      Place moved = new Place(other.request(), other.came(), start, other.number());
      put(moved);
      end = moved.end();
    }
    return true;
  }

  /** The requests whose time is over. */
  List<Request> expired() {
    List<Request> expired = new ArrayList<>();
    for (Place place : places) {
      if (place.request().nanosLeft() == 0) {
        expired.add(place.request());
      }
    }
    return expired;
  }

  /** Nanoseconds until the time of the first of them is over. */
  long nanosLeft() {
    long least = Long.MAX_VALUE;
    for (Place place : places) {
      least = Math.min(least, place.request().nanosLeft());
    }
    return least;
  }

  /** Takes all of them out. */
  List<Request> drain() {
    List<Request> all = new ArrayList<>(places.size());
    places.forEach(place -> all.add(place.request()));
    places.clear();
    placeOf.clear();
    ends.clear();
    return all;
  }
}
