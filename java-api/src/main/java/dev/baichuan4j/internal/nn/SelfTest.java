package dev.baichuan4j.internal.nn;

import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.arch.Positions;
import dev.baichuan4j.internal.checkpoint.CodeFormat;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Runs every op of a GPU on random numbers and compares its results with those of the CPU, which
 * computes in f32. For one thread.
 */
public final class SelfTest implements AutoCloseable {
  /** The largest relative error of one rounding to bf16. */
  private static final double ROUNDED = 0x1p-9;

  /** The error of the weights of a softmax rounded to bf16, and of the output once more. */
  private static final double ATTENTION = 4 * ROUNDED;

  /** The error of sums in f32 in another order. */
  private static final double SUMMED = 1e-5;

  /** A kind for each way in which kernels unpack scales. */
  private static final List<ElementType> WEIGHTS =
      List.of(
          ElementType.BF16,
          ElementType.Q8,
          ElementType.Q4,
          ElementType.of(Quant.INT3),
          ElementType.of(Quant.INT2),
          ElementType.codes(new CodeFormat(4, 128, CodeFormat.Form.ZERO)),
          ElementType.codes(new CodeFormat(6, 32, CodeFormat.Form.MIN)),
          ElementType.codes(new CodeFormat(8, 32, CodeFormat.Form.SYMMETRIC)));

  private static final int HEAD = 128;
  private static final float EPS = 1e-6f;

  /**
   * The result of one op.
   *
   * @param op its name
   * @param what types and sizes
   * @param error root mean square of the difference over that of the numbers
   * @param allowed the most that its roundings explain
   */
  public record Result(String op, String what, double error, double allowed) {
    public boolean passed() {
      return error <= allowed; // NaN does not pass
    }
  }

  /** The same numbers on both sides. */
  private record Pair(Tensor cpu, Tensor gpu) {}

  private final Ops cpu = Ops.cpu(0, true);
  private final Ops gpu;
  private final int heads;
  private final List<Result> results = new ArrayList<>();
  private long seed;

  /**
   * @param index number of the GPU
   * @param heads H: sizes are those of a model of H heads; 32 for Baichuan-7B
   * @throws dev.baichuan4j.DeviceException when there is no such GPU
   */
  public SelfTest(int index, int heads) {
    this.gpu = Ops.cuda(index);
    this.heads = heads;
  }

  /**
   * Runs all ops; those that fail are among the results.
   *
   * @throws dev.baichuan4j.OutOfDeviceMemoryException when a GPU has less than 1 GB free
   */
  public List<Result> run() {
    int c = heads * HEAD;
    int f = c / 4 * 11; // about Baichuan's 2.7
    for (int tokens : new int[] {1, 70}) {
      norms(tokens, c);
      swiglu(tokens, f);
      rope(tokens, c);
      matmulSwiglu(tokens, f, c);
      for (ElementType type : WEIGHTS) {
        matmul(tokens, f, c, type);
        matmul(tokens, c, f / type.group() * type.group(), type);
      }
    }
    embed(c);
    lora(c);
    weights(f, c);
    for (ElementType type : List.of(ElementType.BF16, ElementType.I8)) {
      for (int first : new int[] {0, 300}) {
        attention(first, 1, type);
        attention(first, 70, type);
      }
    }
    search(2000 * heads);
    return List.copyOf(results);
  }

  @Override
  public void close() {
    cpu.close();
    gpu.close();
  }

  // The same bf16 numbers, as f32 on the CPU.
  private Pair random(ElementType onGpu, long rows, long columns) {
    seed++;
    Tensor there = gpu.tensor(onGpu, rows, columns);
    there.random(1f, seed);
    Tensor here = cpu.tensor(ElementType.F32, rows, columns);
    try (Tensor stored = cpu.tensor(onGpu, rows, columns)) {
      stored.random(1f, seed);
      cpu.dequantize(here, stored);
    }
    return new Pair(here, there);
  }

  private Pair activations(long rows, long columns) {
    return random(ElementType.BF16, rows, columns);
  }

  private Pair zeros(ElementType onGpu, long... shape) {
    return new Pair(cpu.tensor(ElementType.F32, shape), gpu.tensor(onGpu, shape));
  }

  private Pair ints(int... values) {
    Pair pair =
        new Pair(
            cpu.tensor(ElementType.I32, values.length), gpu.tensor(ElementType.I32, values.length));
    pair.cpu.write(values, values.length);
    pair.gpu.write(values, values.length);
    return pair;
  }

  private Pair gain(int c) {
    Pair row = random(ElementType.F32, 1, c);
    float[] values = new float[c];
    row.cpu.read(0, values);
    Pair gain = new Pair(cpu.tensor(ElementType.F32, c), gpu.tensor(ElementType.F32, c));
    gain.cpu.write(values);
    gain.gpu.write(values);
    return gain;
  }

  private void add(String op, String what, Pair out, double allowed) {
    results.add(new Result(op, what, error(out), allowed));
  }

  private double error(Pair out) {
    long count = out.cpu.size(0) * out.cpu.size(1);
    float[] expected = new float[(int) count];
    out.cpu.read(0, expected);
    float[] actual = new float[(int) count];
    if (out.gpu.type() == ElementType.F32) {
      out.gpu.read(0, actual);
    } else {
      try (Tensor wide = gpu.tensor(ElementType.F32, out.gpu.shape())) {
        gpu.convert(wide, out.gpu);
        wide.read(0, actual);
      }
    }
    double difference = 0;
    double power = 0;
    for (int i = 0; i < count; i++) {
      difference += Math.pow((double) expected[i] - actual[i], 2);
      power += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / power);
  }

  private void embed(int c) {
    Pair table = random(ElementType.BF16, 1000, c);
    Pair ids = ints(0, 999, 7, 7, 500);
    Pair out = zeros(ElementType.F32, 5, c);
    cpu.embed(out.cpu, ids.cpu, table.cpu);
    gpu.embed(out.gpu, ids.gpu, table.gpu);
    add("embed", "bf16 to f32", out, 0);
  }

  private void norms(int tokens, int c) {
    Pair x = random(ElementType.F32, tokens, c);
    Pair delta = activations(tokens, c);
    Pair gain = gain(c);
    Pair out = zeros(ElementType.BF16, tokens, c);
    cpu.rmsNorm(out.cpu, x.cpu, gain.cpu, EPS);
    gpu.rmsNorm(out.gpu, x.gpu, gain.gpu, EPS);
    String what = "[" + tokens + ", " + c + "]";
    add("rms_norm", what, out, ROUNDED);
    cpu.addRmsNorm(x.cpu, out.cpu, delta.cpu, gain.cpu, EPS);
    gpu.addRmsNorm(x.gpu, out.gpu, delta.gpu, gain.gpu, EPS);
    add("add_rms_norm", what, out, ROUNDED);
    add("add_rms_norm", what + ", the sum", x, 0);
  }

  private void swiglu(int tokens, int f) {
    Pair gate = activations(tokens, f);
    Pair up = activations(tokens, f);
    Pair out = zeros(ElementType.BF16, tokens, f);
    cpu.swiglu(out.cpu, gate.cpu, up.cpu);
    gpu.swiglu(out.gpu, gate.gpu, up.gpu);
    add("swiglu", "[" + tokens + ", " + f + "]", out, ROUNDED);
  }

  /** The second of three tokens has no adapter; the others share one of rank 16. */
  private void lora(int c) {
    int rank = 16;
    int bytes = 2 * rank * c * 2; // A [16,C] and B [16,C]
    Pair pool = new Pair(cpu.tensor(ElementType.I8, bytes), gpu.tensor(ElementType.I8, bytes));
    try (Tensor matrices = cpu.tensor(ElementType.BF16, 2L * rank, c)) {
      matrices.random(1f, ++seed);
      ByteBuffer copy = ByteBuffer.allocateDirect(bytes);
      matrices.read(0, copy);
      pool.cpu.write(0, copy);
      pool.gpu.write(0, copy);
    }
    int[] row = {rank, Bindings.code(ElementType.BF16), 0, rank * c * 2 / 64};
    Pair table = new Pair(cpu.tensor(ElementType.I32, 1, 4), gpu.tensor(ElementType.I32, 1, 4));
    Pair scales = new Pair(cpu.tensor(ElementType.F32, 1), gpu.tensor(ElementType.F32, 1));
    for (boolean onCpu : new boolean[] {true, false}) {
      (onCpu ? table.cpu : table.gpu).write(row, row.length);
      (onCpu ? scales.cpu : scales.gpu).write(new float[] {0.5f});
    }
    Pair x = activations(3, c);
    Pair out = activations(3, c);
    Pair of = ints(0, -1, 0);
    cpu.lora(out.cpu, x.cpu, pool.cpu, table.cpu, scales.cpu, of.cpu);
    gpu.lora(out.gpu, x.gpu, pool.gpu, table.gpu, scales.gpu, of.gpu);
    add("lora", "rank " + rank + ", [3, " + c + "]", out, ROUNDED);
  }

  private void rope(int tokens, int c) {
    Pair qkv = activations(tokens, 3L * c);
    Rotation rotation = new Rotation(heads, Positions.Rope.of(1e4).frequencies(HEAD, tokens), 1);
    Pair positions = ints(IntStream.range(4000, 4000 + tokens).toArray());
    cpu.rope(qkv.cpu, positions.cpu, rotation, null);
    gpu.rope(qkv.gpu, positions.gpu, rotation, null);
    add("rope", "[" + tokens + ", " + 3 * c + "]", qkv, ROUNDED);
  }

  private void matmul(int tokens, int n, int k, ElementType type) {
    Pair x = activations(tokens, k);
    Pair plain = random(ElementType.BF16, n, k);
    Pair w = plain;
    if (type != ElementType.BF16) {
      w = new Pair(cpu.tensor(type, n, k), gpu.tensor(type, n, k));
      cpu.quantize(w.cpu, plain.cpu, null);
      gpu.quantize(w.gpu, plain.gpu, null);
    }
    Pair out = zeros(ElementType.F32, tokens, n);
    cpu.matmul(out.cpu, x.cpu, w.cpu, null, null);
    gpu.matmul(out.gpu, x.gpu, w.gpu, null, null);
    // Instruction sets without a fused multiply-add choose other scales here and there.
    double allowed = type == ElementType.BF16 ? SUMMED : ROUNDED;
    add(
        "matmul",
        "[" + tokens + ", " + k + "] by " + type + " [" + n + ", " + k + "]",
        out,
        allowed);
  }

  private void matmulSwiglu(int tokens, int f, int c) {
    Pair x = activations(tokens, c);
    Pair w = random(ElementType.BF16, 2L * f, c);
    Pair out = zeros(ElementType.BF16, tokens, f);
    cpu.matmulSwiglu(out.cpu, x.cpu, w.cpu);
    gpu.matmulSwiglu(out.gpu, x.gpu, w.gpu);
    add(
        "matmul_swiglu",
        "[" + tokens + ", " + c + "] by BF16 [" + 2 * f + ", " + c + "]",
        out,
        ROUNDED);
  }

  private void weights(int n, int k) {
    Pair plain = random(ElementType.BF16, n, k);
    for (ElementType type : WEIGHTS.subList(1, WEIGHTS.size())) {
      try (Tensor packed = gpu.tensor(type, n, k)) {
        double[] error = gpu.quantize(packed, plain.gpu, null);
        Pair out = new Pair(plain.cpu, gpu.tensor(ElementType.F32, n, k));
        gpu.dequantize(out.gpu, packed);
        // What is lost is what the op says is lost.
        double lost = Math.sqrt(error[0] / error[1]);
        results.add(
            new Result(
                "quantize, dequantize", "bf16 to " + type, Math.abs(error(out) - lost), 1e-6));
      }
    }
    Pair norms = new Pair(cpu.tensor(ElementType.F32, n), gpu.tensor(ElementType.F32, n));
    cpu.rowNorms(norms.cpu, plain.cpu);
    gpu.rowNorms(norms.gpu, plain.gpu);
    float[] expected = new float[n];
    float[] actual = new float[n];
    norms.cpu.read(0, expected);
    norms.gpu.read(0, actual);
    double worst = 0;
    for (int i = 0; i < n; i++) {
      worst = Math.max(worst, Math.abs(actual[i] / expected[i] - 1.0));
    }
    results.add(new Result("row_norms", "[" + n + ", " + k + "]", worst, SUMMED));
  }

  /**
   * Tokens at positions from {@code first} on, after earlier ones, of whose pages the first is
   * copied; kv_append has a part in it.
   */
  private void attention(int first, int tokens, ElementType type) {
    int c = heads * HEAD;
    int pages = Layout.pagesFor(first + tokens);
    int[] table = IntStream.range(0, pages).map(i -> pages - 1 - i).toArray();
    Pair slopes = new Pair(cpu.tensor(ElementType.F32, heads), gpu.tensor(ElementType.F32, heads));
    slopes.cpu.write(Positions.Alibi.slopes(heads));
    slopes.gpu.write(Positions.Alibi.slopes(heads));
    KvCache.Layer here = layer(cpu, type == ElementType.I8 ? type : ElementType.F32, pages + 1);
    KvCache.Layer there = layer(gpu, type, pages + 1);
    Pair out = zeros(ElementType.BF16, tokens, c);
    for (int part = first == 0 ? 1 : 0; part < 2; part++) {
      int from = part == 0 ? 0 : first;
      int count = part == 0 ? first : tokens;
      Pair qkv = activations(count, 3L * c);
      Pair positions = ints(IntStream.range(from, from + count).toArray());
      Pair offsets = ints(0, count);
      Pair ids = ints(table);
      Pair pageTable =
          new Pair(cpu.tensor(ElementType.I32, 1, pages), gpu.tensor(ElementType.I32, 1, pages));
      pageTable.cpu.write(table, pages);
      pageTable.gpu.write(table, pages);
      StepInputs onCpu = stepInputs(ids.cpu, positions.cpu, offsets.cpu, pageTable.cpu);
      StepInputs onGpu = stepInputs(ids.gpu, positions.gpu, offsets.gpu, pageTable.gpu);
      cpu.kvAppend(here, qkv.cpu, onCpu);
      gpu.kvAppend(there, qkv.gpu, onGpu);
      if (part == 0) {
        cpu.kvCopy(here, table[0], pages);
        gpu.kvCopy(there, table[0], pages);
        table[0] = pages;
      } else {
        cpu.attention(out.cpu, qkv.cpu, here, onCpu, slopes.cpu, 0);
        gpu.attention(out.gpu, qkv.gpu, there, onGpu, slopes.gpu, 0);
      }
    }
    add(
        first == 0 ? "kv_append, attention" : "kv_append, kv_copy, attention",
        tokens + " tokens after " + first + ", pages " + type,
        out,
        ATTENTION);
  }

  private static StepInputs stepInputs(Tensor ids, Tensor positions, Tensor offsets, Tensor table) {
    return new StepInputs(ids, positions, offsets, table, ids, null, null, null, null);
  }

  private KvCache.Layer layer(Ops ops, ElementType type, int pages) {
    Tensor values = ops.tensor(type, pages, 2, heads, Layout.PAGE, HEAD);
    Tensor scales =
        type == ElementType.I8 ? ops.tensor(ElementType.F32, pages, 2, heads, Layout.PAGE) : null;
    return new KvCache.Layer(values, scales);
  }

  private void search(int v) {
    Pair x = random(ElementType.F32, 3, v);
    Pair values = zeros(ElementType.F32, 3, 128);
    Pair ids = new Pair(cpu.tensor(ElementType.I32, 3, 128), gpu.tensor(ElementType.I32, 3, 128));
    cpu.topK(values.cpu, ids.cpu, x.cpu);
    gpu.topK(values.gpu, ids.gpu, x.gpu);
    found("128 of " + v, values, ids);
    int words = StepInputs.maskWords(v);
    Pair masks =
        new Pair(cpu.tensor(ElementType.I32, 2, words), gpu.tensor(ElementType.I32, 2, words));
    int[] bits = new int[2 * words];
    Arrays.setAll(bits, i -> i < words ? 0x5a5a5a5a : i == words ? -1 : 0);
    masks.cpu.write(bits, bits.length);
    masks.gpu.write(bits, bits.length);
    Pair maskOf = ints(0, -1, 1); // half are allowed, all, 32
    cpu.topK(values.cpu, ids.cpu, x.cpu, masks.cpu, maskOf.cpu);
    gpu.topK(values.gpu, ids.gpu, x.gpu, masks.gpu, maskOf.gpu);
    found("128 of " + v + ", masked", values, ids);
  }

  private void found(String what, Pair values, Pair ids) {
    float[] expected = new float[3 * 128];
    float[] actual = new float[3 * 128];
    values.cpu.read(0, expected);
    values.gpu.read(0, actual);
    boolean same = Arrays.equals(expected, actual); // -Infinity where a mask allows no more
    results.add(new Result("top_k", what, same ? 0 : 1, 0));
    results.add(new Result("top_k", what + ", ids", different(ids, 3 * 128), 0));
  }

  /** The share of ints that are not the same. */
  private static double different(Pair ints, int count) {
    int[] expected = new int[count];
    int[] actual = new int[count];
    ints.cpu.read(expected, count);
    ints.gpu.read(actual, count);
    return IntStream.range(0, count).filter(i -> expected[i] != actual[i]).count() / (double) count;
  }
}
