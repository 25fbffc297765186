package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.lora.Target;
import java.util.ArrayList;
import java.util.List;

/**
 * A layer of a training pass, forward as {@link Pass} has it and back:
 *
 * <pre>
 * h = norm(x);  m = x + output(attention(rotate(qkv(h))));  g = norm(m);  y = m + down(silu(gate(g)) * up(g))
 * </pre>
 */
final class TrainingLayer implements AutoCloseable {
  private static final List<Target> OF_QKV =
      List.of(Target.QKV, Target.QUERIES, Target.KEYS, Target.VALUES);

  private final Ops ops;
  private final TrainOps train;
  private final Architecture model;
  private final TrainedWeights trained;
  private final TrainingProducts products;
  private final Rotation rotation; // null without RoPE
  private final Tensor slopes; // [H]; null without ALiBi
  private final KvCache cache; // of which one layer's pages are used
  private final TrainingBuffers buffers;
  private final List<LayerActivations> activations = new ArrayList<>(); // of each layer, or of one

  /**
   * @param keeps whether the activations of each layer are kept, or made again on the way back
   */
  TrainingLayer(
      Ops ops,
      Architecture model,
      TrainedWeights trained,
      int maxTokens,
      int maxLength,
      int pages,
      boolean keeps) {
    this.ops = ops;
    this.train = new TrainOps(ops);
    this.model = model;
    this.trained = trained;
    this.products = new TrainingProducts(ops, trained);
    this.rotation = Rotation.of(model, maxLength);
    this.slopes = Pass.slopes(ops, model, maxLength);
    this.cache = new KvCache(ops, model, ElementType.F32, pages);
    this.buffers = new TrainingBuffers(ops, model, maxTokens, trained.largestRank());
    for (int i = 0; i < (keeps ? model.layers() : 1); i++) {
      activations.add(new LayerActivations(ops, model, maxTokens));
    }
  }

  private boolean keeps() {
    return activations.size() > 1;
  }

  private LayerActivations activations(int number, Tensor x) {
    return activations.get(keeps() ? number : 0).first(x.size(0));
  }

  /** y [T,C] = what layer {@code number} makes of x [T,C]. */
  void forward(int number, StepInputs in, Tensor x, Tensor y) {
    try (TrainingBuffers rows = buffers.first(x.size(0));
        LayerActivations of = activations(number, x)) {
      activate(number, in, rows, of, x);
      ops.swiglu(rows.hidden, of.gate, of.up);
      Weights.Layer layer = trained.weights().layers().get(number);
      products.forward(layer.down(), rows.delta, rows.hidden);
      products.forward(Target.DOWN, number, rows.delta, rows.hidden, rows.low);
      ops.convert(y, of.middle);
      // The norm is computed anew where it is needed.
      ops.addRmsNorm(y, rows.g, rows.delta, layer.postAttentionNorm(), model.normEps());
    }
  }

  /** Makes the activations, and the norms h and g on the way. */
  private void activate(
      int number, StepInputs in, TrainingBuffers rows, LayerActivations of, Tensor x) {
    Weights.Layer layer = trained.weights().layers().get(number);
    float eps = model.normEps();
    ops.rmsNorm(rows.h, x, layer.inputNorm(), eps);
    long column = 0;
    for (Linear linear : layer.qkv()) {
      try (Tensor part = of.unturned.columns(column, linear.outputs())) {
        products.forward(linear, part, rows.h);
      }
      column += linear.outputs();
    }
    for (Target target : OF_QKV) {
      try (Tensor part = columns(of.unturned, target)) {
        products.forward(target, number, part, rows.h, rows.low);
      }
    }
    if (of.unturned != of.qkv) {
      ops.convert(of.qkv, of.unturned);
    }
    if (rotation != null) {
      ops.rope(of.qkv, in.positions(), rotation, layer.headNorms());
    }
    KvCache.Layer pages = cache.layer(0);
    ops.kvAppend(pages, of.qkv, in);
    ops.attention(of.attention, of.qkv, pages, in, slopes, model.window(number));
    products.forward(layer.output(), rows.delta, of.attention);
    products.forward(Target.OUTPUT, number, rows.delta, of.attention, rows.low);
    ops.convert(of.middle, x);
    ops.addRmsNorm(of.middle, rows.g, rows.delta, layer.postAttentionNorm(), eps);
    GateUp.Separate both = (GateUp.Separate) layer.gateUp();
    products.forward(both.gate(), of.gate, rows.g);
    products.forward(Target.GATE, number, of.gate, rows.g, rows.low);
    products.forward(both.up(), of.up, rows.g);
    products.forward(Target.UP, number, of.up, rows.g, rows.low);
  }

  private Tensor columns(Tensor qkv, Target target) {
    return qkv.columns(target.firstColumn(model), target.outputs(model));
  }

  /**
   * The gradient dx [T,C] of what layer {@code number} gave becomes that of x [T,C], which entered
   * it.
   *
   * @param isWanted whether that is needed: if not, what dx is in the end is not said
   */
  void backward(int number, StepInputs in, Tensor x, Tensor dx, boolean isWanted) {
    try (TrainingBuffers rows = buffers.first(x.size(0));
        LayerActivations of = activations(number, x)) {
      if (keeps()) {
        Weights.Layer layer = trained.weights().layers().get(number);
        ops.rmsNorm(rows.h, x, layer.inputNorm(), model.normEps());
        ops.rmsNorm(rows.g, of.middle, layer.postAttentionNorm(), model.normEps());
      } else {
        activate(number, in, rows, of, x);
      }
      ops.swiglu(rows.hidden, of.gate, of.up);
      feedForward(number, rows, of, dx);
      attention(number, in, rows, of, x, dx, isWanted);
    }
  }

  private void feedForward(int number, TrainingBuffers rows, LayerActivations of, Tensor dx) {
    Weights.Layer layer = trained.weights().layers().get(number);
    GateUp.Separate both = (GateUp.Separate) layer.gateUp();
    products.backward(layer.down(), rows.dhidden, false, dx, rows.hidden, rows.ones);
    products.backward(Target.DOWN, number, rows.dhidden, dx, rows.hidden, rows.low, rows.dlow);
    Tensor dgate = of.gate;
    Tensor dup = of.up;
    train.swiglu(dgate, dup, rows.dhidden, of.gate, of.up);
    products.backward(both.gate(), rows.delta, false, dgate, rows.g, rows.ones);
    products.backward(Target.GATE, number, rows.delta, dgate, rows.g, rows.low, rows.dlow);
    products.backward(both.up(), rows.delta, true, dup, rows.g, rows.ones);
    products.backward(Target.UP, number, rows.delta, dup, rows.g, rows.low, rows.dlow);
    normGradient(dx, rows.delta, of.middle, layer.postAttentionNorm());
  }

  private void attention(
      int number,
      StepInputs in,
      TrainingBuffers rows,
      LayerActivations of,
      Tensor x,
      Tensor dx,
      boolean isWanted) {
    Weights.Layer layer = trained.weights().layers().get(number);
    products.backward(layer.output(), rows.dattention, false, dx, of.attention, rows.ones);
    products.backward(
        Target.OUTPUT, number, rows.dattention, dx, of.attention, rows.low, rows.dlow);
    train.attention(
        rows.dqkv,
        rows.dattention,
        of.attention,
        of.qkv,
        in.offsets(),
        slopes,
        model.heads().size(),
        model.window(number));
    if (rotation != null) {
      HeadNorms norms = layer.headNorms();
      train.rope(rows.dqkv, gradients(norms), of.unturned, in.positions(), rotation, norms);
    }
    Tensor dh = isWanted ? rows.delta : null;
    long column = 0;
    for (Linear linear : layer.qkv()) {
      try (Tensor part = rows.dqkv.columns(column, linear.outputs())) {
        products.backward(linear, dh, column > 0, part, rows.h, rows.ones);
      }
      column += linear.outputs();
    }
    for (Target target : OF_QKV) {
      try (Tensor part = columns(rows.dqkv, target)) {
        products.backward(target, number, dh, part, rows.h, rows.low, rows.dlow);
      }
    }
    if (isWanted) {
      normGradient(dx, dh, x, layer.inputNorm());
    }
  }

  private void normGradient(Tensor dx, Tensor dy, Tensor x, Tensor weight) {
    train.rmsNorm(dx, trained.gradient(weight), dy, x, weight, model.normEps());
  }

  private HeadNorms gradients(HeadNorms norms) {
    return norms == null || trained.gradient(norms.query()) == null
        ? null
        : new HeadNorms(
            trained.gradient(norms.query()), trained.gradient(norms.key()), norms.eps());
  }

  @Override
  public void close() {
    if (slopes != null) {
      slopes.close();
    }
    cache.close();
    buffers.close();
    activations.forEach(LayerActivations::close);
  }
}
