package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.Timings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A workload put to a model. Requests are sent at their times whatever became of those before (open
 * loop), and every time counts from when a request was due: a client that is late itself does not
 * make a queue look shorter.
 *
 * @param served the requests that ended, in the order of their arrival
 * @param failed requests that did not
 * @param lateNanos most time that the client was late
 * @param before what the model said of itself before
 * @param after and afterwards
 */
record ServeRun(
    List<Served> served, int failed, long lateNanos, EngineMetrics before, EngineMetrics after) {

  /**
   * How a request went; times in nanoseconds.
   *
   * @param arrival from the first request on
   * @param queue from there to its first step
   * @param firstToken from its arrival to its first token
   * @param end from its arrival to its last token
   * @param promptTokens tokens of its prompt
   * @param tokens tokens that it wrote
   */
  record Served(long arrival, long queue, long firstToken, long end, int promptTokens, int tokens) {
    /** Milliseconds from a token to the next on average; NaN where there are not two. */
    double perToken() {
      return tokens < 2 ? Double.NaN : (end - firstToken) / 1e6 / (tokens - 1);
    }
  }

  /**
   * Puts a workload to a model.
   *
   * @param options how texts are written, but for their length
   */
  static ServeRun of(
      Baichuan model, Workload workload, GenerationOptions options, Terminal.Bar bar) {
    List<Workload.Arrival> arrivals = workload.arrivals();
    model.complete(warm(arrivals.get(0)), options.withMaxNewTokens(2)).result();
    EngineMetrics before = model.metrics();
    List<Generation> generations = new ArrayList<>(arrivals.size());
    long[] late = new long[arrivals.size()];
    long most = 0;
    long start = System.nanoTime();
    for (int i = 0; i < late.length; i++) {
      Workload.Arrival arrival = arrivals.get(i);
      awaitTime(start + arrival.nanos());
      late[i] = Math.max(0, System.nanoTime() - start - arrival.nanos());
      most = Math.max(most, late[i]);
      generations.add(
          model.complete(arrival.prompt(), options.withMaxNewTokens(arrival.newTokens())));
    }
    List<Served> served = new ArrayList<>(late.length);
    for (int i = 0; i < late.length; i++) {
      bar.progress("serve", i, late.length);
      try (Generation generation = generations.get(i)) {
        served.add(served(arrivals.get(i), late[i], generation.result()));
      } catch (BaichuanException e) {
        Terminal.err().println("baichuan: request " + i + " failed: " + e.getMessage());
      }
    }
    return new ServeRun(served, late.length - served.size(), most, before, model.metrics());
  }

  /** A prompt for the first uses of code and buffers, which shares nothing with the workload's. */
  private static int[] warm(Workload.Arrival arrival) {
    return new int[Math.min(arrival.prompt().length, 64)];
  }

  private static void awaitTime(long due) {
    for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
      if (Thread.interrupted()) {
        throw new IllegalStateException("bench: interrupted before the last request arrived");
      }
      LockSupport.parkNanos(left);
    }
  }

  private static Served served(Workload.Arrival arrival, long late, GenerationResult result) {
    Timings timings = result.timings();
    long queue = late + timings.queued().toNanos();
    long firstToken = queue + timings.prompt().toNanos();
    return new Served(
        arrival.nanos(),
        queue,
        firstToken,
        firstToken + timings.generation().toNanos(),
        arrival.prompt().length,
        result.usage().completionTokens());
  }
}
