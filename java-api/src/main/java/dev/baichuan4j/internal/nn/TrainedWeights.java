package dev.baichuan4j.internal.nn;

import dev.baichuan4j.FineTuner.Precision;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.LayerTensors;
import dev.baichuan4j.internal.arch.LinearSpec;
import dev.baichuan4j.internal.lora.Target;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * The weights of a model, and what of them is trained: all of them, or branches of low rank beside
 * matrices that stay as they are.
 */
public final class TrainedWeights implements AutoCloseable {
  private final Ops ops;
  private final Weights weights;
  private final List<Parameter> parameters = new ArrayList<>();
  private final Map<Tensor, Parameter> trained = new IdentityHashMap<>(); // by what is read
  private final List<LoraBranch> branches = new ArrayList<>();
  private final Map<Target, Map<Integer, LoraBranch>> places = new EnumMap<>(Target.class);
  private final boolean normalizesHead;

  private TrainedWeights(Ops ops, Weights weights) {
    this.ops = ops;
    this.weights = weights;
    this.normalizesHead = false;
  }

  /**
   * Branches of low rank beside a model's matrices.
   *
   * @param targets at least one, and not both {@link Target#QKV} and a part of it
   * @param alpha the scale of a branch is alpha / rank
   * @param ratio of the learning rate of B to that of A: 1, or more for LoRA+ (Hayou et al. 2024,
   *     arXiv:2402.12354)
   * @param seed of A's numbers
   */
  public static TrainedWeights lora(
      Model model, Set<Target> targets, int rank, double alpha, double ratio, long seed) {
    TrainedWeights out = new TrainedWeights(model.ops(), model.weights());
    Architecture architecture = model.architecture();
    SplittableRandom random = new SplittableRandom(seed);
    for (int layer = 0; layer < architecture.layers(); layer++) {
      for (Target target : targets) {
        if (target != Target.HEAD || layer == 0) {
          out.addBranch(architecture, target, layer, rank, alpha, ratio, random);
        }
      }
    }
    return out;
  }

  private void addBranch(
      Architecture model,
      Target target,
      int layer,
      int rank,
      double alpha,
      double ratio,
      SplittableRandom random) {
    String module = target.module(layer);
    Parameter a = newParameter(module + ".lora_A", 1, rank, target.inputs(model));
    Parameter b = newParameter(module + ".lora_B", (float) ratio, rank, target.outputs(model));
    LoraBranch branch = new LoraBranch(ops, a, b, (float) (alpha / rank));
    branch.initialize(random);
    branches.add(branch);
    places.computeIfAbsent(target, key -> new HashMap<>()).put(layer, branch);
    parameters.add(a);
    parameters.add(b);
  }

  private Parameter newParameter(String name, float rateFactor, long... shape) {
    Tensor weight = ops.tensor(ElementType.F32, shape);
    Tensor gradient = ops.tensor(ElementType.F32, shape);
    return new Parameter(name, weight, null, gradient, true, rateFactor);
  }

  /** All weights of a model, which are copied. */
  public static TrainedWeights full(Model model, Precision precision) {
    return new TrainedWeights(model, precision);
  }

  private TrainedWeights(Model model, Precision precision) {
    this.ops = model.ops();
    Architecture architecture = model.architecture();
    Weights from = model.weights();
    Tensor embedding = copied(architecture.embedding().name(), from.embedding(), precision, true);
    List<Weights.Layer> layers = new ArrayList<>();
    for (int i = 0; i < architecture.layers(); i++) {
      layers.add(layer(architecture.layer(i), from.layers().get(i), precision));
    }
    Tensor norm = vector(architecture.finalNorm().name(), from.finalNorm());
    Tensor head =
        architecture.head() == ModelShape.Head.TIED
            ? embedding
            : copied(architecture.headMatrix().name(), from.head().weight(), precision, true);
    normalizesHead = from.head().rowScale() != null;
    Tensor scale =
        normalizesHead ? ops.tensor(ElementType.F32, architecture.vocabularySize()) : null;
    weights = new Weights(embedding, layers, norm, new Linear(head, scale, null));
    refresh();
  }

  private Weights.Layer layer(LayerTensors names, Weights.Layer from, Precision precision) {
    List<Linear> qkv = new ArrayList<>();
    for (int i = 0; i < names.qkv().size(); i++) {
      qkv.add(linear(names.qkv().get(i), from.qkv().get(i), precision));
    }
    HeadNorms norms =
        from.headNorms() == null
            ? null
            : new HeadNorms(
                vector(names.queryNorm().orElseThrow().name(), from.headNorms().query()),
                vector(names.keyNorm().orElseThrow().name(), from.headNorms().key()),
                from.headNorms().eps());
    GateUp.Separate gateUp = (GateUp.Separate) from.gateUp();
    return new Weights.Layer(
        vector(names.inputNorm().name(), from.inputNorm()),
        qkv,
        norms,
        linear(names.output(), from.output(), precision),
        vector(names.postAttentionNorm().name(), from.postAttentionNorm()),
        new GateUp.Separate(
            linear(names.gate(), gateUp.gate(), precision),
            linear(names.up(), gateUp.up(), precision)),
        linear(names.down(), from.down(), precision));
  }

  private Linear linear(LinearSpec names, Linear from, Precision precision) {
    return new Linear(
        copied(names.weight().name(), from.weight(), precision, true),
        null,
        from.bias() == null ? null : vector(names.bias().orElseThrow().name(), from.bias()));
  }

  /** Norms and biases are F32 in any case: there are few, and they do not decay. */
  private Tensor vector(String name, Tensor from) {
    return copied(name, from, Precision.F32, false);
  }

  private Tensor copied(String name, Tensor from, Precision precision, boolean isMatrix) {
    Tensor weight =
        converted(from, precision == Precision.BF16 ? ElementType.BF16 : ElementType.F32);
    Tensor copy = precision == Precision.MIXED ? converted(from, ElementType.BF16) : null;
    Tensor gradient = ops.tensor(ElementType.F32, from.shape());
    Parameter parameter = new Parameter(name, weight, copy, gradient, isMatrix, 1);
    parameters.add(parameter);
    trained.put(parameter.used(), parameter);
    return parameter.used();
  }

  private Tensor converted(Tensor from, ElementType type) {
    Tensor out = ops.tensor(type, from.shape());
    if (from.shape().length == 2) {
      ops.convert(out, from);
      return out;
    }
    try (Tensor row = from.reshape(1, from.size(0));
        Tensor outRow = out.reshape(1, from.size(0))) {
      ops.convert(outRow, row);
    }
    return out;
  }

  Weights weights() {
    return weights;
  }

  /** Returns all that is trained, always in the same order. */
  public List<Parameter> parameters() {
    return parameters;
  }

  List<LoraBranch> branches() {
    return branches;
  }

  /** Returns the branch beside a product; null where there is none. */
  LoraBranch branch(Target target, int layer) {
    return places.getOrDefault(target, Map.of()).get(layer);
  }

  /** Returns the gradient of a tensor of the weights, to be added to; null for one that stays. */
  Tensor gradient(Tensor used) {
    Parameter parameter = used == null ? null : trained.get(used);
    return parameter == null ? null : parameter.gradient();
  }

  /** Returns the largest rank of a branch; 1 where there are none. */
  int largestRank() {
    return branches.stream().mapToInt(LoraBranch::rank).max().orElse(1);
  }

  /** Returns whether the weights themselves are trained. */
  boolean isFull() {
    return !trained.isEmpty();
  }

  /**
   * Gives the gradient of a head with normalized rows, once all batches of a step have been run.
   */
  void finishGradients(TrainOps train) {
    if (normalizesHead) {
      Tensor head = weights.head().weight();
      train.rowNorms(gradient(head), head, weights.head().rowScale());
    }
  }

  /** Brings what follows from the weights up to date, after a step has moved them. */
  public void refresh() {
    if (normalizesHead) {
      ops.rowNorms(weights.head().rowScale(), weights.head().weight());
    }
  }

  @Override
  public void close() {
    branches.forEach(LoraBranch::close);
    if (isFull()) {
      parameters.forEach(Parameter::close);
      if (normalizesHead) {
        weights.head().rowScale().close();
      }
    }
  }
}
