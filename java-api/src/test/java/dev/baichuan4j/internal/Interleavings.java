package dev.baichuan4j.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jetbrains.kotlinx.lincheck.Actor;
import org.jetbrains.kotlinx.lincheck.execution.ExecutionScenario;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;

/**
 * Makes calls on several threads in many interleavings of their instructions, which Lincheck
 * chooses: those with few switches of threads first. Each call has to return what it returns where
 * all calls come one after the other, in some order; where all threads wait, the test has failed.
 * {@code -Dbaichuan4j.interleavings=20} tries twenty times as many.
 */
public final class Interleavings {
  private static final int TIMES = Integer.getInteger("baichuan4j.interleavings", 1);

  /** Passes of a loop of which Lincheck believes that it ends: messages of exceptions take some. */
  private static final int LOOP_BOUND = 1000;

  /** So long may one interleaving take; Lincheck's own ten seconds are short on a busy machine. */
  private static final long TIMEOUT = TimeUnit.MINUTES.toMillis(5);

  private Interleavings() {}

  private static ModelCheckingOptions options() {
    // Public for Java alone: in Kotlin it is internal, hence the name.
    return new ModelCheckingOptions().loopBound(LOOP_BOUND).invocationTimeout$lincheck(TIMEOUT);
  }

  /**
   * Makes random calls on two threads.
   *
   * @param calls has a method for each call, an {@code Operation}
   * @param plain has the same methods, for one thread
   */
  public static void ofRandomCalls(Class<?> calls, Class<?> plain) {
    options()
        .iterations(TIMES * 25)
        .invocationsPerIteration(15)
        .threads(2)
        .actorsBefore(1)
        .actorsPerThread(3)
        .actorsAfter(1)
        .sequentialSpecification(plain)
        .check(calls);
  }

  /**
   * Makes given calls, of methods without parameters.
   *
   * @param calls has a method for each call
   * @param plain has the same methods, for one thread
   * @param before what is called first
   * @param together what is called at the same time then, each on a thread of its own
   * @param after what is called when all have returned
   */
  public static void of(
      Class<?> calls,
      Class<?> plain,
      List<String> before,
      List<String> together,
      List<String> after) {
    List<List<Actor>> threads =
        together.stream().map(name -> actors(calls, List.of(name))).toList();
    options()
        .iterations(0)
        .invocationsPerIteration(TIMES * 120)
        .sequentialSpecification(plain)
        .addCustomScenario(
            new ExecutionScenario(actors(calls, before), threads, actors(calls, after), null))
        .check(calls);
  }

  private static List<Actor> actors(Class<?> calls, List<String> names) {
    List<Actor> actors = new ArrayList<>();
    for (String name : names) {
      try {
        actors.add(new Actor(calls.getMethod(name), List.of()));
      } catch (NoSuchMethodException e) {
        throw new IllegalArgumentException(e);
      }
    }
    return actors;
  }
}
