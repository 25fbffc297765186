package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.lora.Target;
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

  TrainingLayer(
      Ops ops,
      Architecture model,
      TrainedWeights trained,
      int maxTokens,
      int maxLength,
      int pages) {
    this.ops = ops;
    this.train = new TrainOps(ops);
    this.model = model;
    this.trained = trained;
    this.products = new TrainingProducts(ops, trained);
    this.rotation = Rotation.of(model, maxLength);
    this.slopes = Pass.slopes(ops, model, maxLength);
    this.cache = new KvCache(ops, model, ElementType.F32, pages);
    this.buffers = new TrainingBuffers(ops, model, maxTokens, trained.largestRank());
  }

  /** y [T,C] = what layer {@code number} makes of x [T,C]. */
  void forward(int number, StepInputs in, Tensor x, Tensor y) {
    try (TrainingBuffers rows = buffers.first(x.size(0))) {
      untilHidden(number, in, rows, x);
      Weights.Layer layer = trained.weights().layers().get(number);
      products.forward(layer.down(), rows.delta, rows.hidden);
      products.forward(Target.DOWN, number, rows.delta, rows.hidden, rows.low);
      ops.convert(y, rows.middle);
      // The norm is computed anew where it is needed.
      ops.addRmsNorm(y, rows.g, rows.delta, layer.postAttentionNorm(), model.normEps());
    }
  }

  /** All but the last product: h, qkv, attention, m, g, gate, up and what SwiGLU makes of them. */
  private void untilHidden(int number, StepInputs in, TrainingBuffers rows, Tensor x) {
    Weights.Layer layer = trained.weights().layers().get(number);
    float eps = model.normEps();
    ops.rmsNorm(rows.h, x, layer.inputNorm(), eps);
    long column = 0;
    for (Linear linear : layer.qkv()) {
      try (Tensor part = rows.unturned.columns(column, linear.outputs())) {
        products.forward(linear, part, rows.h);
      }
      column += linear.outputs();
    }
    for (Target target : OF_QKV) {
      try (Tensor part = columns(rows.unturned, target)) {
        products.forward(target, number, part, rows.h, rows.low);
      }
    }
    if (rows.unturned != rows.qkv) {
      ops.convert(rows.qkv, rows.unturned);
    }
    if (rotation != null) {
      ops.rope(rows.qkv, in.positions(), rotation, layer.headNorms());
    }
    KvCache.Layer pages = cache.layer(0);
    ops.kvAppend(pages, rows.qkv, in);
    ops.attention(rows.attention, rows.qkv, pages, in, slopes, model.window(number));
    products.forward(layer.output(), rows.delta, rows.attention);
    products.forward(Target.OUTPUT, number, rows.delta, rows.attention, rows.low);
    ops.convert(rows.middle, x);
    ops.addRmsNorm(rows.middle, rows.g, rows.delta, layer.postAttentionNorm(), eps);
    GateUp.Separate of = (GateUp.Separate) layer.gateUp();
    products.forward(of.gate(), rows.gate, rows.g);
    products.forward(Target.GATE, number, rows.gate, rows.g, rows.low);
    products.forward(of.up(), rows.up, rows.g);
    products.forward(Target.UP, number, rows.up, rows.g, rows.low);
    ops.swiglu(rows.hidden, rows.gate, rows.up);
  }

  private Tensor columns(Tensor qkv, Target target) {
    return qkv.columns(target.firstColumn(model), target.outputs(model));
  }

  /**
   * The gradient dx [T,C] of what layer {@code number} gave becomes that of x [T,C], which entered
   * it.
   */
  void backward(int number, StepInputs in, Tensor x, Tensor dx) {
    try (TrainingBuffers rows = buffers.first(x.size(0))) {
      untilHidden(number, in, rows, x);
      feedForward(number, rows, dx);
      attention(number, in, rows, x, dx);
    }
  }

  private void feedForward(int number, TrainingBuffers rows, Tensor dx) {
    Weights.Layer layer = trained.weights().layers().get(number);
    GateUp.Separate of = (GateUp.Separate) layer.gateUp();
    // What enters a matrix is needed for its own gradient before the gradient of it takes its
    // place.
    Tensor dhidden = rows.dhidden;
    products.backward(layer.down(), dhidden, false, dx, rows.hidden, rows.ones);
    products.backward(Target.DOWN, number, dhidden, dx, rows.hidden, rows.low, rows.dlow);
    train.swiglu(rows.gate, rows.up, dhidden, rows.gate, rows.up);
    products.backward(of.gate(), rows.delta, false, rows.gate, rows.g, rows.ones);
    products.backward(Target.GATE, number, rows.delta, rows.gate, rows.g, rows.low, rows.dlow);
    products.backward(of.up(), rows.delta, true, rows.up, rows.g, rows.ones);
    products.backward(Target.UP, number, rows.delta, rows.up, rows.g, rows.low, rows.dlow);
    normGradient(dx, rows.delta, rows.middle, layer.postAttentionNorm());
  }

  private void attention(int number, StepInputs in, TrainingBuffers rows, Tensor x, Tensor dx) {
    Weights.Layer layer = trained.weights().layers().get(number);
    products.backward(layer.output(), rows.dattention, false, dx, rows.attention, rows.ones);
    products.backward(
        Target.OUTPUT, number, rows.dattention, dx, rows.attention, rows.low, rows.dlow);
    train.attention(
        rows.dqkv,
        rows.dattention,
        rows.attention,
        rows.qkv,
        in.offsets(),
        slopes,
        model.heads().size(),
        model.window(number));
    if (rotation != null) {
      HeadNorms norms = layer.headNorms();
      train.rope(rows.dqkv, gradients(norms), rows.unturned, in.positions(), rotation, norms);
    }
    long column = 0;
    for (Linear linear : layer.qkv()) {
      try (Tensor part = rows.dqkv.columns(column, linear.outputs())) {
        products.backward(linear, rows.delta, column > 0, part, rows.h, rows.ones);
      }
      column += linear.outputs();
    }
    for (Target target : OF_QKV) {
      try (Tensor part = columns(rows.dqkv, target)) {
        products.backward(target, number, rows.delta, part, rows.h, rows.low, rows.dlow);
      }
    }
    normGradient(dx, rows.delta, x, layer.inputNorm());
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
  }
}
