package dev.baichuan4j.nn;

import dev.baichuan4j.checkpoint.ModelConfig;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The forward pass of all four families: one step over a ragged batch. Steps of the same size are
 * recorded once and replayed. Owned by the thread that drives the context.
 */
public final class Forward implements AutoCloseable {
  private static final int PLANS = 32;

  /**
   * K: how many of the best logits of a row are found where they were computed, for {@link
   * #topLogits}. 1 KB a row instead of 4V bytes. The greatest k of top-k in common use is 50, the
   * default of Hugging Face transformers, and the other 78 are there because a penalty may lower
   * the best below some of the rest: only if more than K - k of these K tokens are penalized that
   * far are K too few.
   */
  private static final int TOP = 128;

  private record Size(int tokens, int sequences, int rows, boolean ranked) {
    static Size of(Step step) {
      return new Size(step.tokens(), step.sequences(), step.logits(), step.ranked());
    }

    boolean isOf(Step step) {
      return tokens == step.tokens()
          && sequences == step.sequences()
          && rows == step.logits()
          && ranked == step.ranked();
    }
  }

  /**
   * The tensors that say which tokens a step has: ids [T], positions [T], offsets [B+1], table
   * [B,P], rows [R].
   */
  record Inputs(Tensor ids, Tensor positions, Tensor offsets, Tensor table, Tensor rows) {
    Inputs first(Size size) {
      return new Inputs(
          ids.first(size.tokens),
          positions.first(size.tokens),
          offsets.first(size.sequences + 1),
          table.first(size.sequences),
          rows.first(Math.max(size.rows, 1)));
    }

    List<Tensor> all() {
      return List.of(ids, positions, offsets, table, rows);
    }
  }

  private final Ops ops;
  private final ModelConfig config;
  private final Weights weights;
  private final KvPages cache;
  private final int maxTokens;
  private final int maxSequences;
  private final int maxRows;
  private final Inputs inputs;
  private final Tensor x; // [T,C] the residual stream
  private final Tensor h; // [T,C] its norm
  private final Tensor delta; // [T,C] what a block adds
  private final Tensor qkv; // [T,3C]
  private final Tensor attention; // [T,C]
  private final Tensor gate; // [T,F]
  private final Tensor up; // [T,F]
  private final Tensor last; // [R,C] rows that get logits
  private final Tensor logits; // [R,V], in rows of V rounded up
  private final Tensor topValues; // [R,K] the best of them
  private final Tensor topIds; // [R,K]
  private final TopLogits top;
  private Size size = new Size(0, 0, 0, false); // of the last step
  private Plan plan; // of the last step
  private final Map<Size, Plan> plans =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Size, Plan> eldest) {
          if (size() <= PLANS) {
            return false;
          }
          eldest.getValue().close();
          return true;
        }
      };

  /**
   * @param maxTokens most tokens of a step
   * @param maxSequences most sequences of a step
   * @param maxRows most rows of logits of a step
   * @param pageSlots P: page slots of a sequence
   */
  public Forward(
      Model model, KvPages cache, int maxTokens, int maxSequences, int maxRows, int pageSlots) {
    this.ops = model.ops();
    this.config = model.config();
    this.weights = model.weights();
    this.cache = cache;
    this.maxTokens = maxTokens;
    this.maxSequences = maxSequences;
    this.maxRows = maxRows;
    int c = config.hiddenSize();
    int f = config.intermediateSize();
    ElementType f32 = ElementType.F32;
    ElementType activations = model.activations();
    ElementType i32 = ElementType.I32;
    inputs =
        new Inputs(
            ops.tensor(i32, maxTokens),
            ops.tensor(i32, maxTokens),
            ops.tensor(i32, maxSequences + 1),
            ops.tensor(i32, maxSequences, pageSlots),
            ops.tensor(i32, maxRows));
    x = ops.tensor(f32, maxTokens, c);
    h = ops.tensor(activations, maxTokens, c);
    delta = ops.tensor(activations, maxTokens, c);
    qkv = ops.tensor(activations, maxTokens, 3L * c);
    attention = ops.tensor(activations, maxTokens, c);
    gate = ops.tensor(activations, maxTokens, f);
    up = ops.tensor(activations, maxTokens, f);
    last = ops.tensor(activations, maxRows, c);
    logits = ops.tensor(f32, maxRows, logitStride(config));
    int k = topCount();
    topValues = ops.tensor(f32, maxRows, k);
    topIds = ops.tensor(i32, maxRows, k);
    top = new TopLogits(new float[maxRows * k], new int[maxRows * k], k);
  }

  /** Floats from a row of logits to the next: whole 16 bytes, as a GPU loads them for top_k. */
  private static long logitStride(ModelConfig config) {
    return (config.vocabularySize() + 3L) / 4 * 4;
  }

  /**
   * Bytes of the buffers that a pass of these sizes needs.
   *
   * @param activations bytes of an activation: 4 on the CPU, 2 on a GPU
   */
  public static long workspaceBytes(
      ModelConfig config, int activations, int maxTokens, int maxRows) {
    long c = config.hiddenSize();
    long f = config.intermediateSize();
    long tokens = 4 * c + activations * (6 * c + 2 * f);
    long rows = activations * c + 4 * (logitStride(config) + 2 * TOP);
    return maxTokens * tokens + maxRows * rows;
  }

  /**
   * Tokens of a sequence from which on it does not matter, to the last bit, how many more a step
   * has. A GPU has a way of its own for attention of up to 8 tokens of a sequence.
   */
  public int smallestPiece() {
    return smallestPiece(ops);
  }

  public static int smallestPiece(Ops ops) {
    return ops.isGpu() ? 9 : 1;
  }

  public int maxTokens() {
    return maxTokens;
  }

  public int maxRows() {
    return maxRows;
  }

  /** K, the number of {@link #topLogits} of a row. */
  public int topCount() {
    return Math.min(TOP, config.vocabularySize());
  }

  /**
   * Runs a step; {@link #logits} then has its rows, and {@link #topLogits} if the step asks for
   * them.
   */
  public void run(Step step) {
    if (!size.isOf(step)) { // generation repeats a step for each token
      Size next = Size.of(step);
      plan = plan(next);
      size = next;
    }
    inputs.ids.write(step.ids(), size.tokens);
    inputs.positions.write(step.positions(), size.tokens);
    inputs.offsets.write(step.offsets(), size.sequences + 1);
    inputs.table.write(step.table(), size.sequences * step.pageSlots());
    inputs.rows.write(step.rows(), size.rows);
    plan.run();
  }

  /** Runs the last step again on the inputs that it left: what a benchmark compares with. */
  void runAgain() {
    plan.run();
  }

  private Plan plan(Size size) {
    if (size.tokens > maxTokens || size.sequences > maxSequences || size.rows > maxRows) {
      throw new IllegalArgumentException(
          "step has "
              + size
              + ", expected at most "
              + new Size(maxTokens, maxSequences, maxRows, true));
    }
    return plans.computeIfAbsent(size, this::record);
  }

  /** Copies row {@code row} of the last step's logits into target [V]. */
  public void logits(int row, float[] target) {
    logits.read(row * logitStride(config), target);
  }

  /**
   * Copies the best logits of all rows of the last step, which has asked for them.
   *
   * @return valid until the next call
   */
  public TopLogits topLogits(Step step) {
    top.read(topValues, topIds, step.logits());
    return top;
  }

  private Plan record(Size size) {
    List<Tensor> views = new ArrayList<>();
    try {
      Inputs in = inputs.first(size);
      views.addAll(in.all());
      List<Tensor> buffers = new ArrayList<>();
      for (Tensor t : List.of(x, h, delta, qkv, attention, gate, up)) {
        buffers.add(t.first(size.tokens));
      }
      views.addAll(buffers);
      Tensor lastRows = last.first(Math.max(size.rows, 1));
      Tensor logitRows = logits.first(Math.max(size.rows, 1), config.vocabularySize());
      Tensor topValueRows = topValues.first(Math.max(size.rows, 1));
      Tensor topIdRows = topIds.first(Math.max(size.rows, 1));
      views.addAll(List.of(lastRows, logitRows, topValueRows, topIdRows));
      return ops.record(
          () ->
              pass(
                  in,
                  new Buffers(
                      buffers.get(0),
                      buffers.get(1),
                      buffers.get(2),
                      buffers.get(3),
                      buffers.get(4),
                      buffers.get(5),
                      buffers.get(6),
                      lastRows,
                      logitRows,
                      topValueRows,
                      topIdRows),
                  size));
    } finally {
      views.forEach(Tensor::close);
    }
  }

  private record Buffers(
      Tensor x,
      Tensor h,
      Tensor delta,
      Tensor qkv,
      Tensor attention,
      Tensor gate,
      Tensor up,
      Tensor last,
      Tensor logits,
      Tensor topValues,
      Tensor topIds) {}

  private void pass(Inputs in, Buffers b, Size size) {
    float eps = config.rmsNormEps();
    List<Weights.Layer> layers = weights.layers();
    ops.embed(b.x, in.ids, weights.embedding());
    ops.rmsNorm(b.h, b.x, layers.get(0).inputNorm(), eps);
    for (int i = 0; i < layers.size(); i++) {
      Weights.Layer layer = layers.get(i);
      ops.matmul(b.qkv, b.h, layer.wPack(), null);
      if (weights.slopes() == null) {
        ops.rope(b.qkv, in.positions, config.heads(), config.ropeBase());
      }
      ops.kvAppend(cache.layer(i), b.qkv, in);
      ops.attention(b.attention, b.qkv, cache.layer(i), in, weights.slopes());
      ops.matmul(b.delta, b.attention, layer.oProj(), null);
      ops.addRmsNorm(b.x, b.h, b.delta, layer.postAttentionNorm(), eps);
      if (layer.gateUp() != null) {
        ops.matmulSwiglu(b.gate, b.h, layer.gateUp());
      } else {
        ops.matmul(b.gate, b.h, layer.gate(), null);
        ops.matmul(b.up, b.h, layer.up(), null);
        ops.swiglu(b.gate, b.gate, b.up);
      }
      ops.matmul(b.delta, b.gate, layer.down(), null);
      boolean lastLayer = i + 1 == layers.size();
      Tensor nextNorm = lastLayer ? weights.finalNorm() : layers.get(i + 1).inputNorm();
      ops.addRmsNorm(b.x, b.h, b.delta, nextNorm, eps);
    }
    if (size.rows > 0) {
      ops.embed(b.last, in.rows, b.h); // the rows that are asked for
      ops.matmul(b.logits, b.last, weights.head(), weights.headScale());
      if (size.ranked) {
        ops.topK(b.topValues, b.topIds, b.logits);
      }
    }
  }

  @Override
  public void close() {
    plans.values().forEach(Plan::close);
    plans.clear();
    inputs.all().forEach(Tensor::close);
    List.of(x, h, delta, qkv, attention, gate, up, last, logits, topValues, topIds)
        .forEach(Tensor::close);
  }
}
