package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Layout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Ops at the shapes of Baichuan-7B: hidden 4096, ffn 11008. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class OpsBenchmark {
  private static final int C = 4096;
  private static final int F = 11008;

  /**
   * out [T,C] = x [T,F] * w [C,F]^T; weights rotate through copies so that they come from memory,
   * as in a model.
   */
  @State(Scope.Thread)
  public static class Matmul {
    private static final int COPIES = 4;

    @Param({"BF16", "Q8", "Q4", "INT3", "INT2"})
    public String type;

    @Param({"1", "8", "512"})
    public int tokens;

    private Ops ops;
    private Tensor x;
    private Tensor out;
    private final List<Tensor> weights = new ArrayList<>();
    private int next;

    @Setup
    public void setUp() {
      ops = Ops.cpu(0, false);
      x = ops.tensor(ElementType.F32, tokens, F);
      x.random(1f, 1);
      out = ops.tensor(ElementType.F32, tokens, C);
      for (int i = 0; i < COPIES; i++) {
        Tensor w = ops.tensor(ElementType.valueOf(type), C, F);
        w.random(0.02f, i);
        weights.add(w);
      }
    }

    @TearDown
    public void tearDown() {
      ops.close();
    }
  }

  @Benchmark
  public void matmul(Matmul s) {
    s.ops.matmul(s.out, s.x, s.weights.get(s.next), null, null);
    s.next = (s.next + 1) % Matmul.COPIES;
  }

  /** Activations of T tokens. */
  @State(Scope.Thread)
  public static class Activations {
    @Param({"1", "512"})
    public int tokens;

    private Ops ops;
    private Tensor x;
    private Tensor out;
    private Tensor gain;
    private Tensor gate;
    private Tensor up;

    @Setup
    public void setUp() {
      ops = Ops.cpu(0, false);
      x = ops.tensor(ElementType.F32, tokens, C);
      out = ops.tensor(ElementType.F32, tokens, C);
      gain = ops.tensor(ElementType.F32, C);
      gate = ops.tensor(ElementType.F32, tokens, F);
      up = ops.tensor(ElementType.F32, tokens, F);
      for (Tensor t : List.of(x, gain, gate, up)) {
        t.random(1f, 3);
      }
    }

    @TearDown
    public void tearDown() {
      ops.close();
    }
  }

  @Benchmark
  public void rmsNorm(Activations s) {
    s.ops.rmsNorm(s.out, s.x, s.gain, 1e-6f);
  }

  @Benchmark
  public void swiglu(Activations s) {
    s.ops.swiglu(s.up, s.gate, s.up);
  }

  /** One sequence whose last T tokens attend to all positions; 32 heads of 128, pages in f16. */
  @State(Scope.Thread)
  public static class Attention {
    private static final int HEADS = 32;
    private static final int D = 128;

    @Param({"512", "4096"})
    public int positions;

    @Param({"1", "512"})
    public int tokens;

    private Ops ops;
    private Tensor qkv;
    private Tensor out;
    private KvCache.Layer layer;
    private StepInputs inputs;

    @Setup
    public void setUp() {
      ops = Ops.cpu(0, false);
      int pages = Layout.pagesFor(positions);
      qkv = ops.tensor(ElementType.F32, tokens, 3 * C);
      qkv.random(1f, 5);
      out = ops.tensor(ElementType.F32, tokens, C);
      Tensor values = ops.tensor(ElementType.F16, pages, 2, HEADS, Layout.PAGE, D);
      values.random(1f, 6);
      layer = new KvCache.Layer(values, null);
      int[] where = new int[tokens];
      for (int i = 0; i < tokens; i++) {
        where[i] = positions - tokens + i;
      }
      int[] table = new int[pages];
      for (int i = 0; i < pages; i++) {
        table[i] = i;
      }
      inputs =
          new StepInputs(
              null,
              ints(where, tokens),
              ints(new int[] {0, tokens}, 2),
              table(table),
              null,
              null,
              null,
              null,
              null);
    }

    private Tensor ints(int[] values, long size) {
      Tensor tensor = ops.tensor(ElementType.I32, size);
      tensor.write(values, values.length);
      return tensor;
    }

    private Tensor table(int[] values) {
      Tensor tensor = ops.tensor(ElementType.I32, 1, values.length);
      tensor.write(values, values.length);
      return tensor;
    }

    @TearDown
    public void tearDown() {
      ops.close();
    }
  }

  @Benchmark
  public void attention(Attention s) {
    s.ops.attention(s.out, s.qkv, s.layer, s.inputs, null, 0);
  }

  /** The smallest call across JNI: what each op costs before it does anything. */
  @State(Scope.Thread)
  public static class Call {
    private Ops ops;

    @Setup
    public void setUp() {
      ops = Ops.cpu(1, false);
    }

    @TearDown
    public void tearDown() {
      ops.close();
    }
  }

  @Benchmark
  public int jniCall(Call s) {
    return s.ops.facts().threads();
  }
}
