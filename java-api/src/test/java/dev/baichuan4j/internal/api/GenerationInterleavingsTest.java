package dev.baichuan4j.internal.api;

import dev.baichuan4j.Chunk;
import dev.baichuan4j.internal.Interleavings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A generation that one thread writes while others read, cancel and close it. */
@Tag("lincheck")
class GenerationInterleavingsTest {
  private static final List<Chunk> CHUNKS =
      List.of(
          PublisherRulesTest.chunk(0), PublisherRulesTest.chunk(1), PublisherRulesTest.chunk(2));

  /** Calls of which any may come at any time, but that one thread emits and ends. */
  @Param(name = "number", gen = IntGen.class, conf = "0:2")
  public static class Calls {
    private final RunningGeneration generation = PublisherRulesTest.generation(() -> {});

    @Operation(nonParallelGroup = "engine")
    public void emit(@Param(name = "number") int id) {
      generation.emit(CHUNKS.get(id));
    }

    @Operation(nonParallelGroup = "engine", runOnce = true)
    public void finish() {
      generation.finish(PublisherRulesTest.RESULT);
    }

    @Operation(nonParallelGroup = "engine", runOnce = true)
    public void fail() {
      generation.fail(new IllegalStateException("failed"));
    }

    @Operation
    public String at(@Param(name = "number") int place) {
      RunningGeneration.Place there = generation.at(place);
      if (there.chunk() != null) {
        return there.chunk().text();
      }
      return there.failure() != null
          ? there.failure().getMessage()
          : there.ended() ? "end" : "later";
    }

    @Operation
    public boolean isRunning() {
      return generation.isRunning();
    }

    @Operation
    public void cancel() {
      generation.cancel();
    }

    @Operation
    public void close() {
      generation.close();
    }
  }

  /** The same for one thread. */
  public static class PlainCalls {
    private final List<Integer> chunks = new ArrayList<>();
    private String end = "later";
    private boolean cancelled;
    private boolean closed;

    public void emit(int id) {
      chunks.add(id);
    }

    public void finish() {
      end = "end";
    }

    public void fail() {
      end = "failed";
    }

    public String at(int place) {
      return closed
          ? "generation is closed"
          : place < chunks.size() ? "t" + chunks.get(place) : end;
    }

    public boolean isRunning() {
      return !cancelled && end.equals("later");
    }

    public void cancel() {
      cancelled = true;
    }

    public void close() {
      closed = true;
      cancelled = true;
    }
  }

  @Test
  void callsAtTheSameTimeAreAsCallsInSomeOrder() {
    Interleavings.ofRandomCalls(Calls.class, PlainCalls.class);
  }

  /** Two chunks and the end, and those who take them. */
  public static class Reading {
    private final AtomicInteger cancels = new AtomicInteger();
    private final RunningGeneration generation =
        PublisherRulesTest.generation(cancels::incrementAndGet);
    private final Subscriber first = new Subscriber(generation);
    private final Subscriber second = new Subscriber(generation);

    public void write() {
      generation.emit(CHUNKS.get(0));
      generation.emit(CHUNKS.get(1));
      generation.finish(PublisherRulesTest.RESULT);
    }

    public String read() {
      StringBuilder read = new StringBuilder();
      for (Chunk chunk : generation) {
        read.append(chunk.text());
      }
      return read + (generation.result() == PublisherRulesTest.RESULT ? " end" : "");
    }

    public void ask() {
      first.subscription.request(1);
    }

    public void askAgain() {
      first.subscription.request(1);
    }

    public String heard() {
      return first.heard.toString();
    }

    public void leave() {
      first.subscription.cancel();
    }

    public void leaveAsWell() {
      second.subscription.cancel();
    }

    public String left() {
      return "cancels " + cancels + ", running " + generation.isRunning();
    }
  }

  /** The same in any order. */
  public static class PlainReading {
    public void write() {}

    public String read() {
      return "t0t1 end";
    }

    public void ask() {}

    public void askAgain() {}

    public String heard() {
      return "t0t1 end";
    }

    public void leave() {}

    public void leaveAsWell() {}

    public String left() {
      return "cancels 1, running false";
    }
  }

  /** Notes what it hears, which must be one signal after the other. */
  private static final class Subscriber implements Flow.Subscriber<Chunk> {
    final StringBuilder heard = new StringBuilder();
    Flow.Subscription subscription;
    private boolean inside;

    Subscriber(RunningGeneration generation) {
      generation.publisher(Runnable::run).subscribe(this);
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      this.subscription = subscription;
    }

    @Override
    public void onNext(Chunk chunk) {
      hear(chunk.text());
    }

    @Override
    public void onError(Throwable failure) {
      hear(failure.getMessage());
    }

    @Override
    public void onComplete() {
      hear(" end");
    }

    private void hear(String signal) {
      heard.append(inside ? " beside " : "");
      inside = true;
      heard.append(signal);
      inside = false;
    }
  }

  private static void read(List<String> together, String... after) {
    Interleavings.of(Reading.class, PlainReading.class, List.of(), together, List.of(after));
  }

  @Test
  void aReaderGetsEveryChunkAndTheResult() {
    read(List.of("write", "read"));
  }

  @Test
  void aSubscriberGetsWhatItAsksForOnceAndInOrder() {
    read(List.of("write", "ask", "askAgain"), "heard");
  }

  @Test
  void theLastSubscriberThatLeavesEndsTheGeneration() {
    read(List.of("leave", "leaveAsWell"), "left");
  }

  /** A generation that ends where it is cancelled, as one does whose request waits. */
  public static class Closing {
    private final RunningGeneration generation = PublisherRulesTest.generation(() -> finish());

    private void finish() {
      generation.finish(PublisherRulesTest.RESULT);
    }

    public void close() {
      generation.close();
    }

    /** Whether it is seen to run by a thread that has seen that it is closed. */
    public boolean runsClosed() {
      return generation.at(0).failure() != null && generation.isRunning();
    }

    public boolean result() {
      try {
        return generation.result() == PublisherRulesTest.RESULT;
      } catch (IllegalStateException e) {
        return e.getMessage().equals("generation is closed");
      }
    }
  }

  /** The same in any order. */
  public static class PlainClosing {
    public void close() {}

    public boolean runsClosed() {
      return false;
    }

    public boolean result() {
      return true;
    }
  }

  private static void close(String beside) {
    Interleavings.of(
        Closing.class, PlainClosing.class, List.of(), List.of("close", beside), List.of());
  }

  @Test
  void whoWaitsForAGenerationThatIsClosedHearsOfItsEnd() {
    close("result");
  }

  @Test
  void aGenerationThatIsSeenToBeClosedIsNotSeenToRun() {
    close("runsClosed");
  }
}
