package dev.baichuan4j.internal.nn;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.LayerTensors;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.arch.LinearSpec;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import dev.baichuan4j.internal.math.KullbackLeibler;
import dev.baichuan4j.internal.nn.BitSharing.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Measures on which matrices of a model its distributions depend most, and has bits shared by that
 * ({@link BitSharing}). Matrices with the same input, such as gate and up, are of one kind.
 *
 * <p>Each group of matrices is rounded alone, calibrated by the second moments of what it is
 * multiplied by, all others as they are, and the divergence of the next token's distribution is
 * measured on some windows of the calibration's text.
 */
final class MixedKinds {
  /** Numbers of logits of the reference that are kept. */
  private static final int MOST_LOGITS = 1 << 26;

  /** Rows whose distributions are compared, unless that are too many logits. */
  private static final int MOST_ROWS = 1024;

  private final Ops ops;
  private final Architecture model;
  private final WeightLoader loader;
  private final Weights weights;
  private final CalibrationTokens tokens;
  private final List<int[]> windows = new ArrayList<>();
  private final List<float[]> reference = new ArrayList<>(); // logits of each row

  private MixedKinds(Ops ops, Architecture model, WeightLoader loader, CalibrationTokens tokens) {
    this.ops = ops;
    this.model = model;
    this.loader = loader;
    this.tokens = tokens;
    this.weights = loader.load(ProgressListener.NONE);
    int window = window(model, tokens);
    int used = windows(model, tokens);
    for (int i = 0; i < used; i++) {
      int from = (int) ((long) i * tokens.windows() / used) * tokens.window();
      windows.add(Arrays.copyOfRange(tokens.ids(), from, from + window));
    }
  }

  private static int rows(Architecture model) {
    return Math.min(MOST_ROWS, MOST_LOGITS / model.vocabularySize());
  }

  /** Tokens of a window that is looked at. */
  static int window(Architecture model, CalibrationTokens tokens) {
    return Math.min(tokens.window(), rows(model));
  }

  /** Windows that are looked at. */
  static int windows(Architecture model, CalibrationTokens tokens) {
    return Math.min(rows(model) / window(model, tokens), tokens.windows());
  }

  /** Pages of the cache of a window. */
  static int pages(int window) {
    return Layout.pagesFor(window);
  }

  /**
   * Chooses the kind of each matrix.
   *
   * @param usual what is said of the model as a whole
   * @param averageBits bits of a weight, scales included, at most
   * @throws InvalidRequestException if the bits are fewer than the least kinds take, or more than
   *     int4
   */
  static Kinds choose(
      Ops ops,
      Checkpoint checkpoint,
      CalibrationTokens tokens,
      Quant usual,
      double averageBits,
      ProgressListener progress) {
    Architecture model = checkpoint.architecture();
    BitSharing.check(model.matrices(), averageBits);
    try (WeightLoader loader = new WeightLoader(ops, checkpoint, Quant.BF16, ops.facts())) {
      MixedKinds mixed = new MixedKinds(ops, model, loader, tokens);
      Map<String, PackedTensorKind> kinds = BitSharing.share(mixed.groups(progress), averageBits);
      kinds.values().removeIf(PackedTensorKind.of(usual)::equals);
      return new Kinds(usual, kinds);
    }
  }

  private List<Group> groups(ProgressListener progress) {
    divergence(weights); // of the weights as they are, which is kept as the reference
    int total = 4 * model.layers() + 1;
    List<Group> groups = new ArrayList<>();
    try (CalibrationPass pass = new CalibrationPass(ops, model, weights.embedding(), tokens)) {
      for (int i = 0; i < model.layers(); i++) {
        LayerTensors tensors = model.layer(i);
        for (CalibrationPass.Input input : CalibrationPass.Input.OF_LAYER) {
          progress.progress("sensitivity", groups.size(), total);
          List<TensorSpec> matrices =
              input.matrices(tensors).stream().map(LinearSpec::weight).toList();
          try (Moments moments = moments(pass, input, i)) {
            groups.add(measured(i, matrices, moments));
          }
          if (input == CalibrationPass.Input.OUTPUT || input == CalibrationPass.Input.DOWN) {
            pass.advance(input, weights.layers().get(i), i);
          }
        }
      }
      progress.progress("sensitivity", groups.size(), total);
      try (Moments moments = moments(pass, CalibrationPass.Input.HEAD, model.layers())) {
        groups.add(measuredHead(moments));
      }
    }
    return groups;
  }

  private Moments moments(CalibrationPass pass, CalibrationPass.Input input, int number) {
    boolean isHead = input == CalibrationPass.Input.HEAD;
    Weights.Layer layer = isHead ? null : weights.layers().get(number);
    return Moments.of(
        ops,
        "layer " + number + ", " + input,
        tokens.chunks(),
        (chunk, take) ->
            pass.input(
                chunk, input, layer, number, weights.finalNorm(), x -> take.accept(x, null)));
  }

  private Group measuredHead(Moments moments) {
    TensorSpec head = new TensorSpec(Architecture.HEAD, model.headMatrix().shape());
    Linear rounded = rounded(head, weights.head(), moments);
    try (Tensor ignored = rounded.weight()) {
      return group(
          List.of(head),
          new Weights(weights.embedding(), weights.layers(), weights.finalNorm(), rounded));
    }
  }

  private Group measured(int number, List<TensorSpec> matrices, Moments moments) {
    Weights.Layer layer = weights.layers().get(number);
    LayerTensors tensors = model.layer(number);
    List<Linear> made = new ArrayList<>();
    try {
      Rounding rounding =
          (spec, linear) -> {
            if (!matrices.contains(spec.weight())) {
              return linear;
            }
            made.add(rounded(spec.weight(), linear, moments));
            return made.get(made.size() - 1);
          };
      List<Linear> qkv = new ArrayList<>();
      for (int i = 0; i < layer.qkv().size(); i++) {
        qkv.add(rounding.of(tensors.qkv().get(i), layer.qkv().get(i)));
      }
      GateUp.Separate gateUp = (GateUp.Separate) layer.gateUp();
      Weights.Layer changed =
          new Weights.Layer(
              layer.inputNorm(),
              qkv,
              layer.headNorms(),
              rounding.of(tensors.output(), layer.output()),
              layer.postAttentionNorm(),
              new GateUp.Separate(
                  rounding.of(tensors.gate(), gateUp.gate()),
                  rounding.of(tensors.up(), gateUp.up())),
              rounding.of(tensors.down(), layer.down()));
      List<Weights.Layer> layers = new ArrayList<>(weights.layers());
      layers.set(number, changed);
      return group(
          matrices, new Weights(weights.embedding(), layers, weights.finalNorm(), weights.head()));
    } finally {
      made.forEach(linear -> linear.weight().close());
    }
  }

  /** A matrix of a layer, rounded where it is one of those that are measured. */
  private interface Rounding {
    Linear of(LinearSpec spec, Linear linear);
  }

  /** The same in few bits; NormHead's factors are its own. */
  private Linear rounded(TensorSpec spec, Linear linear, Moments moments) {
    ElementType type = ElementType.of(BitSharing.measured(spec).kind());
    boolean isHead = spec.name().equals(Architecture.HEAD);
    String stored = isHead ? model.headMatrix().name() : spec.name();
    loader.requireGroups(linear.weight(), stored, type, type.toString());
    Tensor weights = linear.weight();
    Tensor out = CalibratedRounding.round(ops, type, weights, null, moments, new double[2]);
    return new Linear(out, linear.rowScale(), linear.bias());
  }

  /** What a group costs in groups of 64, by the weights in which it is rounded. */
  private Group group(List<TensorSpec> matrices, Weights changed) {
    return new Group(
        matrices, divergence(changed) / BitSharing.measured(matrices.get(0)).divergence());
  }

  /** Nats a token from the reference; the first call makes the reference. */
  private double divergence(Weights changed) {
    OperationInterruptedException.check("calibrating");
    int window = windows.get(0).length;
    Model loaded = new Model(ops, model, changed, Map.of());
    float[] logits = new float[model.vocabularySize()];
    boolean first = reference.isEmpty();
    double sum = 0;
    int row = 0;
    int pages = pages(window);
    try (KvCache cache = new KvCache(ops, model, ElementType.F32, pages);
        Forward forward = new Forward(loaded, cache, window, 1, window, window)) {
      for (int[] ids : windows) {
        Batch batch = new Batch(pages);
        int[] all = new int[pages];
        Arrays.setAll(all, page -> page);
        batch.add(ids, 0, window, all, window);
        forward.run(batch);
        for (int i = 0; i < window; i++) {
          forward.logits(i, logits);
          if (first) {
            reference.add(logits.clone());
          } else {
            sum += KullbackLeibler.divergence(reference.get(row++), logits);
          }
        }
      }
    }
    return sum / Math.max(row, 1);
  }
}
