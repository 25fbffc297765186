package dev.baichuan4j.internal.nn;

import dev.baichuan4j.ModelShape;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.LayerTensors;
import dev.baichuan4j.internal.arch.LinearSpec;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Rounds matrices so that the products with the activations of a text change least: errors of a
 * weight are made up for by the weights that are rounded after it. The text passes through the
 * model layer by layer, and what a matrix is multiplied by has come through the quantized matrices
 * in front of it. docs/calibration.md has the formulas and where they are from.
 *
 * <p>In memory are two residual streams of the text, through the quantized matrices and through
 * those as they were, the second moments of one input, and one quantized layer.
 */
final class CalibratedPacker implements MatrixPacker {
  private final Ops ops;
  private final Architecture model;
  private final Kinds kinds;
  private final WeightLoader loader;
  private final CalibrationTokens tokens;
  private final CalibrationPass pass; // through quantized matrices
  private final CalibrationPass reference; // through the matrices as they were
  private final List<Linear> linears = new ArrayList<>(); // of the layer under way, packed
  private final List<Linear> originals = new ArrayList<>(); // the same as they were
  private int number; // of that layer
  private Tensor inputNorm;
  private HeadNorms headNorms; // null where heads are not normalized
  private Tensor postAttentionNorm;
  private Moments moments; // of the input that is under way; null in front of the first

  CalibratedPacker(
      Ops ops, Architecture model, Kinds kinds, WeightLoader loader, CalibrationTokens tokens) {
    this.ops = ops;
    this.model = model;
    this.kinds = kinds;
    this.loader = loader;
    this.tokens = tokens;
    try (Tensor embedding = loader.embedding()) {
      this.pass = new CalibrationPass(ops, model, embedding, tokens);
      this.reference = new CalibrationPass(ops, model, embedding, tokens);
    }
  }

  @Override
  public void pack(TensorSpec matrix, Consumer<Tensor> take) {
    boolean isHead = matrix.name().equals(Architecture.HEAD);
    TensorSpec source = isHead ? model.headMatrix() : matrix;
    try (Tensor stored = loader.map(source)) {
      PackedTensorKind kind = kinds.of(matrix);
      loader.requireGroups(stored, source.name(), ElementType.of(kind), kind.toString());
    }
    if (isHead) {
      head(matrix, take);
      return;
    }
    LayerTensors tensors = model.layer(number);
    int output =
        tensors.qkv().size(); // its place among the layer's matrices; gate, up, down follow
    int at = linears.size();
    if (at == 0) {
      inputNorm = loader.map(tensors.inputNorm());
      headNorms = loader.headNorms(tensors);
      postAttentionNorm = loader.map(tensors.postAttentionNorm());
      measure(CalibrationPass.Input.ATTENTION, null);
    } else if (at == output) {
      measure(CalibrationPass.Input.OUTPUT, null);
    } else if (at == output + 1) {
      measure(CalibrationPass.Input.FEED_FORWARD, null);
    } else if (at == output + 3) {
      measure(CalibrationPass.Input.DOWN, null);
    }
    LinearSpec spec = tensors.linears().get(at);
    Tensor bias = spec.bias().isPresent() ? loader.bias(List.of(spec)) : null;
    originals.add(new Linear(loader.map(spec.weight()), null, bias));
    linears.add(new Linear(round(spec.weight(), kinds.of(spec.weight()), false), null, bias));
    take.accept(linears.get(at).weight());
    if (at == output) {
      advance(CalibrationPass.Input.OUTPUT);
    } else if (at == output + 3) {
      advance(CalibrationPass.Input.DOWN);
      closeLayer();
      number++;
    }
  }

  private void advance(CalibrationPass.Input input) {
    pass.advance(input, layer(linears), number);
    reference.advance(input, layer(originals), number);
  }

  private void head(TensorSpec matrix, Consumer<Tensor> take) {
    try (Tensor norm = loader.map(model.finalNorm())) {
      measure(CalibrationPass.Input.HEAD, norm);
    }
    try (Tensor out =
        round(model.headMatrix(), kinds.of(matrix), model.head() == ModelShape.Head.NORM)) {
      take.accept(out);
    }
  }

  /** The layer under way, as far as its matrices are there. */
  private Weights.Layer layer(List<Linear> linears) {
    int output = model.layer(number).qkv().size();
    int there = linears.size();
    return new Weights.Layer(
        inputNorm,
        linears.subList(0, Math.min(output, there)),
        headNorms,
        there > output ? linears.get(output) : null,
        postAttentionNorm,
        there > output + 2
            ? new GateUp.Separate(linears.get(output + 1), linears.get(output + 2))
            : null,
        there > output + 3 ? linears.get(output + 3) : null);
  }

  /** The second moments of what the next matrices are multiplied by, and their factor. */
  private void measure(CalibrationPass.Input input, Tensor norm) {
    closeMoments();
    Weights.Layer quantized = input == CalibrationPass.Input.HEAD ? null : layer(linears);
    Weights.Layer original = input == CalibrationPass.Input.HEAD ? null : layer(originals);
    moments =
        Moments.of(
            ops,
            "layer " + number + ", " + input,
            tokens.chunks(),
            (chunk, take) ->
                pass.input(
                    chunk,
                    input,
                    quantized,
                    number,
                    norm,
                    x ->
                        reference.input(
                            chunk, input, original, number, norm, y -> take.accept(x, y))));
  }

  private Tensor round(TensorSpec spec, PackedTensorKind kind, boolean normalized) {
    try (Tensor stored = loader.map(spec);
        Tensor scale = normalized ? loader.rowNorms(stored) : null) {
      double[] error = new double[2];
      Tensor out =
          CalibratedRounding.round(ops, ElementType.of(kind), stored, scale, moments, error);
      loader.record(error, spec.name());
      return out;
    }
  }

  private void closeMoments() {
    if (moments != null) {
      moments.close();
      moments = null;
    }
  }

  private void closeLayer() {
    for (Linear linear : linears) {
      linear.weight().close();
      close(linear.bias()); // which the originals share
    }
    originals.forEach(linear -> linear.weight().close());
    linears.clear();
    originals.clear();
    close(inputNorm);
    close(postAttentionNorm);
    if (headNorms != null) {
      headNorms.query().close();
      headNorms.key().close();
    }
    inputNorm = null;
    postAttentionNorm = null;
    headNorms = null;
  }

  private static void close(Tensor tensor) {
    if (tensor != null) {
      tensor.close();
    }
  }

  @Override
  public void close() {
    closeMoments();
    closeLayer();
    pass.close();
    reference.close();
  }
}
