package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * The texts that have begun: those that go on, those that rest until their caller takes their rows,
 * and those that are paused because others need their pages. Where there are too few pages the
 * youngest text is paused, and goes on later. For the engine's thread.
 */
final class Texts {
  private static final Comparator<Active> OLDEST_FIRST = Comparator.comparingLong(a -> a.age);

  private final Engine.Limits limits;
  private final CachePool cache;
  private final Speculation speculation;
  private final Counters counters;
  private final List<Active> active = new ArrayList<>(); // the oldest first
  private final List<Active> resting = new ArrayList<>();
  private final List<Active> paused = new ArrayList<>(); // without pages
  private long begun;

  Texts(Engine.Limits limits, CachePool cache, Speculation speculation, Counters counters) {
    this.limits = limits;
    this.cache = cache;
    this.speculation = speculation;
    this.counters = counters;
  }

  /** Those that go on, the oldest first. */
  List<Active> active() {
    return active;
  }

  /** Whether another text may begin: those that are paused go first. */
  boolean hasRoom() {
    if (active.size() >= limits.maxConcurrent()) {
      return false;
    }
    for (int i = 0; i < paused.size(); i++) {
      if (canGoOn(paused.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean canGoOn(Active a) {
    return a.request.mostTokens(Schedule.SCORE_ROWS) > 0;
  }

  /**
   * Fails a request that could never end, and otherwise starts it.
   *
   * @param take takes the request from the queue; false if it is not there any more, because it was
   *     cancelled
   * @return false if it has to wait until another one ends
   */
  boolean admit(Request request, BooleanSupplier take) {
    int positions = request.positions(limits.contextLength());
    if (positions > cache.positions()) {
      if (take.getAsBoolean()) {
        request.fail(cache.exhausted(positions));
      }
      return true;
    }
    Sequence sequence = new Sequence(request.salt(), request.prompt(), positions);
    if (!start(request, sequence)) {
      return false; // pages come free when one of these ends
    }
    if (!take.getAsBoolean()) {
      cache.end(sequence);
      return true;
    }
    active.add(new Active(request, sequence, begun++));
    request.begin(sequence.cached());
    return true;
  }

  /** Takes over what is computed of a text, if there is room for the rest. */
  private boolean start(Request request, Sequence sequence) {
    while (!cache.start(sequence, request.mostShared(), active.size())) {
      if (resting.isEmpty()) {
        return false;
      }
      pause(resting);
    }
    return true;
  }

  /** Goes on with texts that rest or are paused, the oldest first; false if none could. */
  boolean resume() {
    int before = active.size();
    for (int i = 0; i < resting.size() && active.size() < limits.maxConcurrent(); i++) {
      if (canGoOn(resting.get(i))) {
        activate(resting.remove(i--));
      }
    }
    for (int i = 0; i < paused.size() && active.size() < limits.maxConcurrent(); i++) {
      Active a = paused.get(i);
      if (canGoOn(a)) {
        if (!start(a.request, a.sequence)) {
          break;
        }
        paused.remove(a); // start() may have paused others
        activate(a);
        i = -1;
      }
    }
    if (active.size() == before) {
      return false;
    }
    active.sort(OLDEST_FIRST);
    return true;
  }

  private void activate(Active a) {
    a.leaveStep(); // a step may be under way
    active.add(a);
  }

  /** Nanoseconds until the time of a text is over that does not go on by itself. */
  long nanosLeft() {
    long least = Long.MAX_VALUE;
    for (Active a : resting) {
      least = Math.min(least, a.request.nanosLeft());
    }
    for (Active a : paused) {
      least = Math.min(least, a.request.nanosLeft());
    }
    return least;
  }

  /** Ends those that are cancelled or whose time is over; false if there were none. */
  boolean endInterrupted() {
    return endInterrupted(active) | endInterrupted(resting) | endInterrupted(paused);
  }

  private boolean endInterrupted(List<Active> texts) {
    boolean any = false;
    for (int i = 0; i < texts.size(); i++) {
      Active a = texts.get(i);
      FinishReason reason = a.request.interruption();
      if (reason != null) {
        texts.remove(i--);
        finish(a, reason);
        any = true;
      }
    }
    return any;
  }

  /** Takes pages for the next tokens of a text; false if it was paused for want of them. */
  boolean takePages(Active a, int count) {
    while (!cache.extend(a.sequence, count)) {
      if (pause(resting.isEmpty() ? active : resting) == a) {
        return false;
      }
    }
    return true;
  }

  /** Pauses the youngest of some texts: its pages are there for others. */
  private Active pause(List<Active> texts) {
    Active youngest = texts.remove(texts.size() - 1);
    youngest.leaveStep();
    release(youngest);
    counters.paused();
    paused.add(youngest);
    paused.sort(OLDEST_FIRST);
    return youngest;
  }

  /** Tells how many are paused now. */
  void count() {
    counters.paused(paused.size());
  }

  boolean isPaused(Active a) {
    return paused.contains(a);
  }

  /** Tells a request that it starts, if it was not told before. */
  void tellOfItsStart(Active a) {
    if (!a.told) {
      a.told = true;
      a.request.start(a.sequence.cached());
    }
  }

  /** Fails an active text for what its request did; what its pages hold is as good as ever. */
  void drop(Active a, RuntimeException failure) {
    active.remove(a);
    release(a);
    a.request.fail(failure);
  }

  private void finish(Active a, FinishReason reason) {
    release(a);
    a.request.finish(reason);
  }

  /** What was computed of a text stays for others as long as there is room. */
  private void release(Active a) {
    speculation.end(a);
    cache.end(a.sequence);
  }

  /** Ends an active text, or lets it rest where it cannot go on; false if it goes on. */
  boolean leaves(Active a, FinishReason reason) {
    if (reason == null && canGoOn(a)) {
      return false;
    }
    active.remove(a);
    if (reason != null) {
      finish(a, reason);
    } else {
      resting.add(a);
      resting.sort(OLDEST_FIRST);
    }
    return true;
  }

  /** Fails some of the active texts: what their pages hold is not known. */
  void fail(List<Active> texts, RuntimeException failure) {
    List<Active> failed = List.copyOf(texts);
    active.removeAll(failed);
    end(failed, failure);
  }

  void failAll(RuntimeException failure) {
    for (List<Active> texts : List.of(active, resting, paused)) {
      List<Active> failed = List.copyOf(texts);
      texts.clear();
      end(failed, failure);
    }
  }

  private void end(List<Active> failed, RuntimeException failure) {
    for (Active a : failed) {
      speculation.discard(a);
      cache.discard(a.sequence);
      a.request.fail(failure);
    }
  }
}
