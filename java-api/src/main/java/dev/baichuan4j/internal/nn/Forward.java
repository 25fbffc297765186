package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.checkpoint.ModelConfig;
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
    static Size of(Batch batch) {
      return new Size(batch.tokens(), batch.sequences(), batch.logits(), batch.ranked());
    }

    boolean isOf(Batch batch) {
      return tokens == batch.tokens()
          && sequences == batch.sequences()
          && rows == batch.logits()
          && ranked == batch.ranked();
    }
  }

  /** The tensors of a batch: ids [T], positions [T], offsets [B+1], table [B,P], rows [R]. */
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
  private final Tensor lastX; // [R,C] of the rows that get logits: the residual stream
  private final Tensor lastAttention; // [R,C] and the attention of the last layer
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
    lastX = ops.tensor(f32, maxRows, c);
    lastAttention = ops.tensor(activations, maxRows, c);
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
   * Bytes of the buffers that a pass of these sizes needs; on a GPU activations have 16 bits, on
   * the CPU 32.
   */
  public static long workspaceBytes(ModelConfig config, boolean gpu, int maxTokens, int maxRows) {
    long activations = gpu ? 2 : 4;
    long c = config.hiddenSize();
    long f = config.intermediateSize();
    long tokens = 4 * c + activations * (6 * c + 2 * f);
    long rows = (4 + activations) * c + 4 * (logitStride(config) + 2 * TOP);
    return maxTokens * tokens + maxRows * rows;
  }

  /**
   * Smallest chunk of a prompt for which results no longer depend on how the prompt was cut. A GPU
   * computes attention in another order for up to 8 tokens of a sequence.
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
   * Runs a step on a batch; {@link #logits} then has its rows, and {@link #topLogits} if the batch
   * asks for them.
   */
  public void run(Batch batch) {
    if (!size.isOf(batch)) { // generation repeats a size for each token
      Size next = Size.of(batch);
      plan = plan(next);
      size = next;
    }
    inputs.ids.write(batch.ids(), size.tokens);
    inputs.positions.write(batch.positions(), size.tokens);
    inputs.offsets.write(batch.offsets(), size.sequences + 1);
    inputs.table.write(batch.table(), size.sequences * batch.pageSlots());
    inputs.rows.write(batch.rows(), size.rows);
    plan.run();
  }

  /** Runs the last step again on the inputs that it left: what a benchmark compares with. */
  void runAgain() {
    plan.run();
  }

  private Plan plan(Size size) {
    if (size.tokens > maxTokens || size.sequences > maxSequences || size.rows > maxRows) {
      throw new IllegalArgumentException(
          "batch has "
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
   * Copies the best logits of all rows of the last step, whose batch has asked for them.
   *
   * @return valid until the next call
   */
  public TopLogits topLogits(Batch batch) {
    top.read(topValues, topIds, batch.logits());
    return top;
  }

  private Plan record(Size size) {
    List<Tensor> views = new ArrayList<>();
    try {
      Inputs in = inputs.first(size);
      views.addAll(in.all());
      Stream all = new Stream(x, h, delta, attention, gate, up).first(size.tokens);
      views.addAll(all.tensors());
      Tensor qkvRows = qkv.first(size.tokens);
      views.add(qkvRows);
      int rows = Math.max(size.rows, 1);
      Stream asked = new Stream(lastX, h, delta, lastAttention, gate, up).first(rows);
      views.addAll(asked.tensors());
      Results results =
          new Results(
              logits.first(rows, config.vocabularySize()),
              topValues.first(rows),
              topIds.first(rows));
      views.addAll(List.of(results.logits, results.topValues, results.topIds));
      return ops.record(() -> pass(in, all, qkvRows, asked, results, size));
    } finally {
      views.forEach(Tensor::close);
    }
  }

  /** The buffers of the rows that pass through a layer. */
  private record Stream(
      Tensor x, Tensor h, Tensor delta, Tensor attention, Tensor gate, Tensor up) {
    Stream first(int rows) {
      return new Stream(
          x.first(rows),
          h.first(rows),
          delta.first(rows),
          attention.first(rows),
          gate.first(rows),
          up.first(rows));
    }

    List<Tensor> tensors() {
      return List.of(x, h, delta, attention, gate, up);
    }
  }

  private record Results(Tensor logits, Tensor topValues, Tensor topIds) {}

  /**
   * The last layer stores K and V for every token, but runs the rest only for rows whose logits are
   * wanted.
   */
  private void pass(
      Inputs in, Stream all, Tensor qkvRows, Stream asked, Results results, Size size) {
    List<Weights.Layer> layers = weights.layers();
    ops.embed(all.x, in.ids, weights.embedding());
    ops.rmsNorm(all.h, all.x, layers.get(0).inputNorm(), config.rmsNormEps());
    int last = layers.size() - 1;
    for (int i = 0; i < last; i++) {
      keysAndValues(in, all, qkvRows, i);
      ops.attention(all.attention, qkvRows, cache.layer(i), in, weights.slopes());
      rest(all, layers.get(i), layers.get(i + 1).inputNorm());
    }
    keysAndValues(in, all, qkvRows, last);
    if (size.rows == 0) {
      return;
    }
    ops.attention(all.attention, qkvRows, cache.layer(last), in, weights.slopes());
    ops.embed(asked.attention, in.rows, all.attention);
    ops.embed(asked.x, in.rows, all.x);
    rest(asked, layers.get(last), weights.finalNorm());
    ops.matmul(results.logits, asked.h, weights.head(), weights.headScale());
    if (size.ranked) {
      ops.topK(results.topValues, results.topIds, results.logits);
    }
  }

  private void keysAndValues(Inputs in, Stream s, Tensor qkvRows, int i) {
    ops.matmul(qkvRows, s.h, weights.layers().get(i).wPack(), null);
    if (weights.slopes() == null) {
      ops.rope(qkvRows, in.positions, config.heads(), config.ropeBase());
    }
    ops.kvAppend(cache.layer(i), qkvRows, in);
  }

  /** What follows attention in a layer, and the norm that follows the layer. */
  private void rest(Stream s, Weights.Layer layer, Tensor nextNorm) {
    float eps = config.rmsNormEps();
    ops.matmul(s.delta, s.attention, layer.oProj(), null);
    ops.addRmsNorm(s.x, s.h, s.delta, layer.postAttentionNorm(), eps);
    if (layer.gateUp() != null) {
      ops.matmulSwiglu(s.gate, s.h, layer.gateUp());
    } else {
      ops.matmul(s.gate, s.h, layer.gate(), null);
      ops.matmul(s.up, s.h, layer.up(), null);
      ops.swiglu(s.gate, s.gate, s.up);
    }
    ops.matmul(s.delta, s.gate, layer.down(), null);
    ops.addRmsNorm(s.x, s.h, s.delta, nextNorm, eps);
  }

  @Override
  public void close() {
    plans.values().forEach(Plan::close);
    plans.clear();
    inputs.all().forEach(Tensor::close);
    List.of(x, h, delta, qkv, attention, gate, up, lastX, lastAttention, logits, topValues, topIds)
        .forEach(Tensor::close);
  }
}
