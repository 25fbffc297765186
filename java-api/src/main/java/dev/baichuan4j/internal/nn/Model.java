package dev.baichuan4j.internal.nn;

import dev.baichuan4j.ModelShape;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.ModelConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** The weights of a model on a context, and what they are worth. Closing it frees the context. */
public final class Model implements AutoCloseable {
  private final Ops ops;
  private final ModelConfig config;
  private final Weights weights;
  private final Map<String, Double> quantizationErrors;

  Model(Ops ops, ModelConfig config, Weights weights, Map<String, Double> quantizationErrors) {
    this.ops = ops;
    this.config = config;
    this.weights = weights;
    this.quantizationErrors = quantizationErrors;
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
    checkpoint.checkShapes();
    try (WeightLoader loader = new WeightLoader(ops, checkpoint, quant)) {
      Weights weights = loader.load(progress);
      return new Model(
          ops, checkpoint.config(), weights, Collections.unmodifiableMap(loader.errors()));
    }
  }

  /** The type of activations that {@link #load} will give. */
  public static ElementType activations(Ops ops, Checkpoint checkpoint) {
    return ops.activations(WeightLoader.type(checkpoint.tensor(WeightLoader.EMBEDDING)));
  }

  /** The type of activations that {@link #random} will give. */
  public static ElementType randomActivations(Ops ops) {
    return ops.activations(ElementType.BF16);
  }

  /** A model of the given shape with random weights, for benchmarks. */
  public static Model random(Ops ops, ModelConfig config, Quant quant) {
    long c = config.hiddenSize();
    long f = config.intermediateSize();
    long v = config.vocabularySize();
    ElementType type = ElementType.of(quant);
    List<Weights.Layer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      layers.add(
          new Weights.Layer(
              ones(ops, c),
              random(ops, type, 7L * i, 3 * c, c),
              random(ops, type, 7L * i + 1, c, c),
              ones(ops, c),
              ops.isGpu() ? null : random(ops, type, 7L * i + 2, f, c),
              ops.isGpu() ? null : random(ops, type, 7L * i + 3, f, c),
              ops.isGpu() ? random(ops, type, 7L * i + 2, 2 * f, c) : null,
              random(ops, type, 7L * i + 4, c, f)));
    }
    Tensor slopes = config.position() == ModelShape.Position.ALIBI ? slopes(ops, config) : null;
    Weights weights =
        new Weights(
            embedding(ops, v, c),
            layers,
            ones(ops, c),
            random(ops, type, 1L << 21, v, c),
            null,
            slopes);
    return new Model(ops, config, weights, Map.of());
  }

  private static Tensor embedding(Ops ops, long rows, long columns) {
    Tensor tensor = ops.tensorOnHost(ElementType.BF16, rows, columns);
    tensor.random(0.02f, 1L << 20);
    return tensor;
  }

  private static Tensor random(Ops ops, ElementType type, long seed, long rows, long columns) {
    Tensor tensor = ops.tensor(type, rows, columns);
    tensor.random(0.02f, seed);
    return tensor;
  }

  private static Tensor ones(Ops ops, long size) {
    Tensor tensor = ops.tensor(ElementType.F32, size);
    float[] values = new float[(int) size];
    Arrays.fill(values, 1f);
    tensor.write(values);
    return tensor;
  }

  static Tensor slopes(Ops ops, ModelConfig config) {
    Tensor tensor = ops.tensor(ElementType.F32, config.heads());
    tensor.write(Alibi.slopes(config.heads()));
    return tensor;
  }

  public Ops ops() {
    return ops;
  }

  public ModelConfig config() {
    return config;
  }

  /** The type of what flows between the layers, but for the residual stream, which is F32. */
  public ElementType activations() {
    return ops.activations(weights.embedding().type());
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
    ops.close();
  }
}
