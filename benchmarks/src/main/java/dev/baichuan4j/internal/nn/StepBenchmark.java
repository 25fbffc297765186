package dev.baichuan4j.internal.nn;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A decode step at positions 1 to 128: its plan alone (in the middle), with its inputs, and as a
 * token of the engine, request and stream included.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class StepBenchmark {
  private static final int TOKENS = 128;
  private static final int SLOTS = 3;

  /** Hidden size, layers, ffn, vocabulary: the tiny one shows what Java costs by itself. */
  private static ModelShape shape(String text) {
    int[] n = Arrays.stream(text.split("x")).mapToInt(Integer::parseInt).toArray();
    int context = SLOTS * Layout.PAGE;
    return new ModelShape(
        n[0],
        n[1],
        n[0] / 128,
        n[2],
        n[3],
        context,
        ModelShape.Position.ROPE,
        ModelShape.Head.PLAIN);
  }

  /** One sequence that is fed the same tokens again and again. */
  @State(Scope.Thread)
  public static class Bare {
    @Param({"128x1x64x256", "1024x8x2752x32000"})
    public String shape;

    private Model model;
    private KvCache cache;
    private Forward forward;
    private final Batch batch = new Batch(SLOTS);
    private final int[] ids = new int[TOKENS + 1];
    private final int[] pages = new int[SLOTS];

    @Setup
    public void setUp() {
      Architecture architecture = Architecture.of(shape(shape));
      model = Model.random(Ops.cpu(0, false), architecture, Quant.INT4);
      cache = new KvCache(model.ops(), architecture, ElementType.F16, SLOTS);
      for (int i = 0; i < SLOTS; i++) {
        pages[i] = i;
      }
      forward = new Forward(model, cache, 1, 1, 1, SLOTS * Layout.PAGE);
      for (int i = 0; i <= TOKENS; i++) {
        token(i);
      }
      token(TOKENS / 2);
    }

    void token(int position) {
      batch.clear();
      batch.add(ids, position, 1, pages, 1);
      batch.rank();
      forward.run(batch);
    }

    @TearDown
    public void tearDown() {
      forward.close();
      cache.close();
      model.close();
    }
  }

  @Benchmark
  @OperationsPerInvocation(TOKENS)
  public void planRun(Bare s) {
    for (int i = 0; i < TOKENS; i++) {
      s.forward.runAgain();
    }
  }

  @Benchmark
  @OperationsPerInvocation(TOKENS)
  public void step(Bare s) {
    for (int i = 0; i < TOKENS; i++) {
      s.token(1 + i);
    }
  }

  /** The same through the public API. */
  @State(Scope.Benchmark)
  public static class Text {
    @Param({"128x1x64x256", "1024x8x2752x32000"})
    public String shape;

    private Baichuan model;
    private GenerationOptions options;

    @Setup
    public void setUp() {
      model = Baichuan.randomLoader(shape(shape)).weights(Quant.INT4).maxConcurrent(1).load();
      options =
          GenerationOptions.greedy()
              .withMaxNewTokens(TOKENS)
              // It must not end earlier.
              .withLogitBias(Map.of(model.info().endIds().get(0), -100f));
    }

    @TearDown
    public void tearDown() {
      model.close();
    }
  }

  @Benchmark
  @OperationsPerInvocation(TOKENS)
  public void token(Text s) {
    s.model.complete(new int[1], s.options).result();
  }
}
