package dev.baichuan4j.benchmarks;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Quant;
import dev.baichuan4j.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

/** A decode step of a whole model through the public API, and the tokenizer. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class ModelBenchmark {
  private static final int STEPS = 64;

  /** Hidden 1024, 8 layers, ffn 2752, vocabulary 64000, random weights. */
  @State(Scope.Benchmark)
  public static class Decode {
    @Param({"BF16", "INT8", "INT4"})
    public Quant weights;

    private Baichuan model;
    private final int[] ids = new int[STEPS];

    @Setup
    public void setUp() {
      ModelShape shape =
          new ModelShape(
              1024, 8, 8, 2752, 64000, 1024, ModelShape.Position.ROPE, ModelShape.Head.PLAIN);
      model = Baichuan.randomLoader(shape).weights(weights).maxConcurrent(1).load();
      for (int i = 0; i < STEPS; i++) {
        ids[i] = 100 * i;
      }
    }

    @TearDown
    public void tearDown() {
      model.close();
    }
  }

  @Benchmark
  @OperationsPerInvocation(STEPS)
  public void decodeStep(Decode s) {
    s.model.logits(s.ids, true, 1, (position, logits) -> {});
  }

  /** The tiny chat model's tokenizer on the poems that ship with it. */
  @State(Scope.Benchmark)
  public static class Text {
    private Tokenizer tokenizer;
    private String text;

    @Setup
    public void setUp() throws IOException {
      Path models = Path.of(System.getProperty("baichuan4j.root", ".")).resolve("models");
      tokenizer = Tokenizer.load(models.resolve("tiny-baichuan2-13b-chat"));
      text = Files.readString(models.resolve("eval/poems-taught.txt"));
    }
  }

  @Benchmark
  public int[] tokenize(Text s) {
    return s.tokenizer.encode(s.text);
  }
}
