package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Positions;
import dev.baichuan4j.internal.lora.Target;
import dev.baichuan4j.internal.nn.StepBuffers.Results;
import dev.baichuan4j.internal.nn.StepBuffers.Rows;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The forward pass: the ops of one step over a ragged batch, for every architecture. A layer is
 *
 * <pre>
 * h = norm(x);  x += output(attention(rotate(qkv(h))));  h = norm(x);  x += down(silu(gate(h)) * up(h))
 * </pre>
 *
 * where the sum and the norm that follows it are one op.
 */
final class Pass implements AutoCloseable {
  private final Ops ops;
  private final Architecture model;
  private final Weights weights;
  private final AdapterPool adapters;
  private final KvCache cache;
  private final Rotation rotation; // null without RoPE
  private final Tensor slopes; // [H]; null without ALiBi

  /**
   * @param contextLength most positions of a text
   */
  Pass(Model loaded, KvCache cache, int contextLength) {
    this.ops = loaded.ops();
    this.model = loaded.architecture();
    this.weights = loaded.weights();
    this.adapters = loaded.adapters();
    this.cache = cache;
    this.rotation = Rotation.of(model, contextLength);
    this.slopes = slopes(ops, model, contextLength);
  }

  /** ALiBi's slopes [H]; null without ALiBi. */
  static Tensor slopes(Ops ops, Architecture model, int contextLength) {
    if (!(model.positions() instanceof Positions.Alibi alibi)) {
      return null;
    }
    int heads = model.heads().queries();
    Tensor tensor = ops.tensor(ElementType.F32, heads);
    tensor.write(alibi.slopes(heads, contextLength));
    return tensor;
  }

  @Override
  public void close() {
    if (slopes != null) {
      slopes.close();
    }
  }

  /**
   * Hands out the ops of a step of a size, on the leading rows of the buffers, in parts to be
   * called in this order. Each takes a fraction of a layer's time, and other steps may run between
   * them, on other buffers.
   *
   * @param parts has called or recorded a part when it returns
   */
  void run(StepInputs inputs, StepBuffers buffers, StepSize size, Consumer<Runnable> parts) {
    List<Tensor> views = new ArrayList<>();
    try {
      StepInputs in = inputs.first(size);
      views.addAll(in.all());
      Rows tokens = buffers.tokens().first(size.tokens());
      views.addAll(tokens.all());
      Qkv qkv = qkv(buffers.qkv().first(size.tokens()));
      views.addAll(qkv.all());
      int rows = Math.max(size.rows(), 1);
      Rows wanted = buffers.wanted().first(rows);
      views.addAll(wanted.all());
      Results results = buffers.results(rows);
      views.addAll(results.all());
      layers(in, tokens, qkv, wanted, size, parts);
      if (size.rows() > 0) {
        Tensor hidden = size.hidden() ? wanted.delta() : wanted.h();
        Added added = new Added(size.targets(), in.rowAdapters());
        parts.accept(() -> logits(in, hidden, results, size.ranking(), added));
      }
    } finally {
      views.forEach(Tensor::close);
    }
  }

  /**
   * The queries, keys and values of a step.
   *
   * @param whole [T,(H+2G)D]
   * @param parts where each product of a layer is stored: columns of the whole
   * @param targets queries, keys and values, each as columns of the whole
   */
  private record Qkv(Tensor whole, List<Tensor> parts, Map<Target, Tensor> targets) {
    List<Tensor> all() {
      List<Tensor> all = new ArrayList<>(parts);
      all.addAll(targets.values());
      all.add(whole);
      return all;
    }
  }

  /**
   * What adapters add to the products of some rows.
   *
   * @param targets bits of the products that there is something to add to; 0 for none
   * @param of the slot of each row's adapter
   */
  private record Added(int targets, Tensor of) {}

  private void add(Added added, Target target, int layer, Tensor out, Tensor x) {
    if ((added.targets & target.bit()) != 0) {
      adapters.add(target, layer, out, x, added.of);
    }
  }

  private Qkv qkv(Tensor whole) {
    List<Tensor> parts = new ArrayList<>();
    long column = 0;
    for (Linear linear : weights.layers().get(0).qkv()) {
      parts.add(whole.columns(column, linear.outputs()));
      column += linear.outputs();
    }
    Map<Target, Tensor> targets = new EnumMap<>(Target.class);
    for (Target target : List.of(Target.QUERIES, Target.KEYS, Target.VALUES)) {
      targets.put(target, whole.columns(target.firstColumn(model), target.outputs(model)));
    }
    return new Qkv(whole, parts, targets);
  }

  /**
   * The last layer stores K and V for every token, but runs the rest only for rows whose logits are
   * wanted, unless the hidden states of all tokens are.
   */
  private void layers(
      StepInputs in, Rows tokens, Qkv qkv, Rows wanted, StepSize size, Consumer<Runnable> parts) {
    List<Weights.Layer> layers = weights.layers();
    Added ofTokens = new Added(size.targets(), in.adapterOf());
    Added ofRows = new Added(size.targets(), in.rowAdapters());
    parts.accept(
        () -> {
          ops.embed(tokens.x(), in.ids(), weights.embedding());
          ops.rmsNorm(tokens.h(), tokens.x(), layers.get(0).inputNorm(), model.normEps());
        });
    int last = layers.size() - 1;
    for (int i = 0; i < last; i++) {
      int layer = i;
      parts.accept(() -> keysAndValues(in, tokens, qkv, layer, ofTokens));
      parts.accept(() -> attention(in, tokens, qkv, layer));
      rest(tokens, layer, layers.get(i + 1).inputNorm(), ofTokens, parts);
    }
    parts.accept(() -> keysAndValues(in, tokens, qkv, last, ofTokens));
    if (size.hidden()) {
      parts.accept(() -> attention(in, tokens, qkv, last));
      rest(tokens, last, weights.finalNorm(), ofTokens, parts);
      parts.accept(() -> hiddenStates(in, tokens, wanted, size));
    } else if (size.rows() > 0) {
      parts.accept(
          () -> {
            attention(in, tokens, qkv, last);
            ops.embed(wanted.attention(), in.rows(), tokens.attention());
            ops.embed(wanted.x(), in.rows(), tokens.x());
          });
      rest(wanted, last, weights.finalNorm(), ofRows, parts);
    }
  }

  private void keysAndValues(StepInputs in, Rows rows, Qkv qkv, int i, Added added) {
    Weights.Layer layer = weights.layers().get(i);
    for (int part = 0; part < qkv.parts.size(); part++) {
      layer.qkv().get(part).apply(ops, qkv.parts.get(part), rows.h());
    }
    add(added, Target.QKV, i, qkv.whole, rows.h());
    qkv.targets.forEach((target, columns) -> add(added, target, i, columns, rows.h()));
    if (rotation != null) {
      ops.rope(qkv.whole, in.positions(), rotation, layer.headNorms());
    }
    ops.kvAppend(cache.layer(i), qkv.whole, in);
  }

  private void attention(StepInputs in, Rows rows, Qkv qkv, int i) {
    ops.attention(rows.attention(), qkv.whole, cache.layer(i), in, slopes, model.window(i));
  }

  /** What follows attention in a layer, and the norm that follows the layer. */
  private void rest(Rows rows, int i, Tensor nextNorm, Added added, Consumer<Runnable> parts) {
    Weights.Layer layer = weights.layers().get(i);
    float eps = model.normEps();
    parts.accept(
        () -> {
          layer.output().apply(ops, rows.delta(), rows.attention());
          add(added, Target.OUTPUT, i, rows.delta(), rows.attention());
          ops.addRmsNorm(rows.x(), rows.h(), rows.delta(), layer.postAttentionNorm(), eps);
          layer
              .gateUp()
              .apply(
                  ops,
                  rows.hidden(),
                  rows.room(),
                  rows.h(),
                  (target, product) -> add(added, target, i, product, rows.h()));
        });
    parts.accept(
        () -> {
          layer.down().apply(ops, rows.delta(), rows.hidden());
          add(added, Target.DOWN, i, rows.delta(), rows.hidden());
          ops.addRmsNorm(rows.x(), rows.h(), rows.delta(), nextNorm, eps);
        });
  }

  /**
   * Gives the hidden states of all tokens as F32, and those of the rows whose logits are wanted to
   * the head, in place of what the last layer has added.
   */
  private void hiddenStates(StepInputs in, Rows tokens, Rows wanted, StepSize size) {
    if (size.rows() > 0) {
      ops.embed(wanted.delta(), in.rows(), tokens.h());
    }
    if (StepBuffers.hidden(tokens) != tokens.h()) {
      ops.convert(StepBuffers.hidden(tokens), tokens.h());
    }
  }

  private void logits(
      StepInputs in, Tensor hidden, Results results, StepSize.Ranking ranking, Added added) {
    weights.head().apply(ops, results.logits(), hidden);
    add(added, Target.HEAD, 0, results.logits(), hidden);
    switch (ranking) {
      case NONE -> {}
      case ALL -> ops.topK(results.topValues(), results.topIds(), results.logits());
      case ALLOWED ->
          ops.topK(
              results.topValues(), results.topIds(), results.logits(), in.masks(), in.maskOf());
    }
  }
}
