package dev.baichuan4j.internal.nn;

import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The weights of a model on a context, and what they are worth. Closing it frees the context. */
public final class Model implements AutoCloseable {
  private final Ops ops;
  private final Architecture architecture;
  private final Weights weights;
  private final Map<String, Double> quantizationErrors;
  private final AdapterPool adapters;

  Model(
      Ops ops, Architecture architecture, Weights weights, Map<String, Double> quantizationErrors) {
    this.ops = ops;
    this.architecture = architecture;
    this.weights = weights;
    this.quantizationErrors = quantizationErrors;
    this.adapters =
        new AdapterPool(ops, architecture, !weights.layers().get(0).gateUp().needsRoom());
  }

  /**
   * Loads the weights of a checkpoint, layer by layer: matrices are mapped, or quantized from the
   * mapping.
   *
   * @throws dev.baichuan4j.ModelFormatException when a tensor is missing or has a wrong shape or
   *     type, or holds NaN
   * @throws dev.baichuan4j.OutOfDeviceMemoryException when the device is too small
   * @throws dev.baichuan4j.OperationInterruptedException when this thread is interrupted; looked
   *     for before each layer
   */
  public static Model load(Ops ops, Checkpoint checkpoint, Quant quant, ProgressListener progress) {
    return load(ops, checkpoint, quant, ops.facts(), progress);
  }

  /**
   * Loads the weights of a checkpoint, put together as the facts say: those of the context, or the
   * same with {@link DeviceFacts#withGateApart}.
   */
  public static Model load(
      Ops ops, Checkpoint checkpoint, Quant quant, DeviceFacts facts, ProgressListener progress) {
    checkpoint.checkShapes();
    DeviceFacts together = factsFor(facts, checkpoint, quant);
    try (WeightLoader loader = new WeightLoader(ops, checkpoint, quant, together)) {
      Weights weights = loader.load(progress);
      return new Model(
          ops, checkpoint.architecture(), weights, Collections.unmodifiableMap(loader.errors()));
    }
  }

  /**
   * The facts that {@link #load} puts a model together by: where the gate and up of a layer are not
   * of one kind, or are codes as they are stored, no product has both.
   */
  public static DeviceFacts factsFor(DeviceFacts device, Checkpoint checkpoint, Quant quant) {
    boolean apart =
        quant == Quant.STORED
            || IntStream.range(0, checkpoint.architecture().layers())
                .mapToObj(checkpoint.architecture()::layer)
                .anyMatch(
                    layer ->
                        !WeightLoader.areOfOneKind(checkpoint, List.of(layer.gate(), layer.up())));
    return apart ? device.withGateApart() : device;
  }

  /** The type of activations that {@link #load} will give. */
  public static ElementType activations(Ops ops, Checkpoint checkpoint) {
    return ops.facts().activations(WeightLoader.type(checkpoint.tensor(Architecture.EMBEDDING)));
  }

  /** The type of activations that {@link #random} will give. */
  public static ElementType randomActivations(Ops ops) {
    return ops.facts().activations(ElementType.BF16);
  }

  /** A model of the given shape with random weights, for benchmarks. */
  public static Model random(Ops ops, Architecture model, Quant quant) {
    long c = model.hiddenSize();
    long f = model.intermediateSize();
    long v = model.vocabularySize();
    long width = model.heads().width();
    ElementType type = ElementType.of(quant);
    List<Weights.Layer> layers = new ArrayList<>();
    for (int i = 0; i < model.layers(); i++) {
      long seed = 7L * i;
      layers.add(
          new Weights.Layer(
              ones(ops, c),
              List.of(random(ops, type, seed, model.heads().qkvWidth(), c)),
              null,
              random(ops, type, seed + 1, c, width),
              ones(ops, c),
              ops.facts().fusesSwiglu()
                  ? new GateUp.InTurn(random(ops, type, seed + 2, 2 * f, c).weight())
                  : new GateUp.Separate(
                      random(ops, type, seed + 2, f, c), random(ops, type, seed + 3, f, c)),
              random(ops, type, seed + 4, c, f)));
    }
    Weights weights =
        new Weights(embedding(ops, v, c), layers, ones(ops, c), random(ops, type, 1L << 21, v, c));
    return new Model(ops, model, weights, Map.of());
  }

  private static Tensor embedding(Ops ops, long rows, long columns) {
    Tensor tensor = ops.tensorOnHost(ElementType.BF16, rows, columns);
    tensor.random(0.02f, 1L << 20);
    return tensor;
  }

  private static Linear random(Ops ops, ElementType type, long seed, long rows, long columns) {
    Tensor tensor = ops.tensor(type, rows, columns);
    tensor.random(0.02f, seed);
    return Linear.of(tensor);
  }

  private static Tensor ones(Ops ops, long size) {
    Tensor tensor = ops.tensor(ElementType.F32, size);
    float[] values = new float[(int) size];
    Arrays.fill(values, 1f);
    tensor.write(values);
    return tensor;
  }

  public Ops ops() {
    return ops;
  }

  /** What it is made of. */
  public Architecture architecture() {
    return architecture;
  }

  /** The type of what flows between the layers, but for the residual stream, which is F32. */
  public ElementType activations() {
    return ops.facts().activations(weights.embedding().type());
  }

  /** The adapters beside the weights. */
  public AdapterPool adapters() {
    return adapters;
  }

  Weights weights() {
    return weights;
  }

  /** Bytes of weights that one decode step reads. */
  public long bytesPerToken() {
    return weights.bytesPerToken();
  }

  /**
   * Relative error (norm of the difference over norm) of each quantized matrix by name; empty for
   * 16 bits.
   */
  public Map<String, Double> quantizationErrors() {
    return quantizationErrors;
  }

  @Override
  public void close() {
    adapters.close();
    ops.close();
  }
}
