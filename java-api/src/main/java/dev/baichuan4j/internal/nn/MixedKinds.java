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
import dev.baichuan4j.internal.math.KullbackLeibler;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Shares bits among the matrices of a model: more of them to those that change its distributions
 * most. Matrices with the same input, such as gate and up, are of one kind.
 *
 * <p>Each group of matrices is rounded to int3 alone, all others as they are, and the divergence of
 * the next token's distribution is measured on some windows of the calibration's text. What it
 * would be in another kind follows from the squared errors of the kinds, since the divergence of
 * small errors grows with their square. From int2 for all, the group whose next kind saves most for
 * its bits gets it, as long as bits are left: the savings fall from kind to kind, so that no other
 * choice of the same bits has a smaller sum, but for the last group.
 */
final class MixedKinds {
  /** Kinds by their bits. */
  private static final List<Quant> KINDS = List.of(Quant.INT2, Quant.INT3, Quant.INT4);

  /** What groups are rounded to, to see what that costs. */
  static final Quant MEASURED = Quant.INT3;

  /** Divergence of a kind beside that of int3, of whole models: docs/calibration.md. */
  private static final double[] BESIDE_INT3 = {3.7, 1, 0.19};

  /** Numbers of logits of the reference that are kept. */
  private static final int MOST_LOGITS = 1 << 26;

  /** Rows whose distributions are compared, unless that are too many logits. */
  private static final int MOST_ROWS = 1024;

  /** Matrices with the same input, and what rounding them to int3 costs. */
  private record Group(List<TensorSpec> matrices, double divergence) {
    long weights() {
      return matrices.stream().mapToLong(TensorSpec::elements).sum();
    }
  }

  private final Ops ops;
  private final Architecture model;
  private final WeightLoader loader;
  private final Weights weights;
  private final List<int[]> windows = new ArrayList<>();
  private final List<float[]> reference = new ArrayList<>(); // logits of each row

  private MixedKinds(Ops ops, Architecture model, WeightLoader loader, CalibrationTokens tokens) {
    this.ops = ops;
    this.model = model;
    this.loader = loader;
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
   * @throws InvalidRequestException if the bits are fewer than all int2 has, or more than int4
   */
  static Kinds choose(
      Ops ops,
      Checkpoint checkpoint,
      CalibrationTokens tokens,
      Quant usual,
      double averageBits,
      ProgressListener progress) {
    if (!(averageBits >= Quant.INT2.bits() && averageBits <= Quant.INT4.bits())) {
      throw new InvalidRequestException(
          "averageBits",
          "averageBits has value "
              + averageBits
              + ", expected "
              + Quant.INT2.bits()
              + " to "
              + Quant.INT4.bits());
    }
    try (WeightLoader loader = new WeightLoader(ops, checkpoint, Quant.BF16, ops.facts())) {
      MixedKinds mixed = new MixedKinds(ops, checkpoint.architecture(), loader, tokens);
      Map<String, Quant> kinds = share(mixed.groups(progress), averageBits);
      kinds.values().removeIf(kind -> kind == usual);
      return new Kinds(usual, kinds);
    }
  }

  private List<Group> groups(ProgressListener progress) {
    divergence(weights); // of the weights as they are, which is kept as the reference
    int total = 4 * model.layers() + 1;
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < model.layers(); i++) {
      LayerTensors tensors = model.layer(i);
      for (List<LinearSpec> group :
          List.of(
              tensors.qkv(),
              List.of(tensors.output()),
              List.of(tensors.gate(), tensors.up()),
              List.of(tensors.down()))) {
        progress.progress("sensitivity", groups.size(), total);
        groups.add(measured(i, group.stream().map(LinearSpec::weight).toList()));
      }
    }
    progress.progress("sensitivity", groups.size(), total);
    TensorSpec head = new TensorSpec(Architecture.HEAD, model.headMatrix().shape());
    Linear original = weights.head();
    Linear rounded = rounded(original);
    groups.add(
        new Group(
            List.of(head),
            divergence(
                new Weights(weights.embedding(), weights.layers(), weights.finalNorm(), rounded))));
    rounded.weight().close();
    return groups;
  }

  private Group measured(int number, List<TensorSpec> matrices) {
    Weights.Layer layer = weights.layers().get(number);
    LayerTensors tensors = model.layer(number);
    List<Linear> made = new ArrayList<>();
    List<Linear> qkv = new ArrayList<>();
    for (int i = 0; i < layer.qkv().size(); i++) {
      qkv.add(roundedIf(matrices, tensors.qkv().get(i), layer.qkv().get(i), made));
    }
    GateUp.Separate gateUp = (GateUp.Separate) layer.gateUp();
    Weights.Layer changed =
        new Weights.Layer(
            layer.inputNorm(),
            qkv,
            layer.headNorms(),
            roundedIf(matrices, tensors.output(), layer.output(), made),
            layer.postAttentionNorm(),
            new GateUp.Separate(
                roundedIf(matrices, tensors.gate(), gateUp.gate(), made),
                roundedIf(matrices, tensors.up(), gateUp.up(), made)),
            roundedIf(matrices, tensors.down(), layer.down(), made));
    List<Weights.Layer> layers = new ArrayList<>(weights.layers());
    layers.set(number, changed);
    double divergence =
        divergence(new Weights(weights.embedding(), layers, weights.finalNorm(), weights.head()));
    made.forEach(linear -> linear.weight().close());
    return new Group(matrices, divergence);
  }

  private Linear roundedIf(
      List<TensorSpec> matrices, LinearSpec spec, Linear linear, List<Linear> made) {
    if (!matrices.contains(spec.weight())) {
      return linear;
    }
    Linear rounded = rounded(linear);
    made.add(rounded);
    return rounded;
  }

  /** The same in int3; NormHead's factors are its own. */
  private Linear rounded(Linear linear) {
    Tensor out = ops.tensor(ElementType.of(MEASURED), linear.weight().shape());
    ops.quantize(out, linear.weight(), null);
    return new Linear(out, linear.rowScale(), linear.bias());
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

  /** Gives bits to the groups that save most by them. */
  private static Map<String, Quant> share(List<Group> groups, double averageBits) {
    int[] kinds = new int[groups.size()];
    double left =
        groups.stream().mapToLong(Group::weights).sum() * (averageBits - KINDS.get(0).bits());
    while (true) {
      int best = -1;
      double most = 0;
      for (int i = 0; i < kinds.length; i++) {
        if (kinds[i] + 1 < KINDS.size() && cost(groups.get(i), kinds[i]) <= left) {
          double saved =
              groups.get(i).divergence * (BESIDE_INT3[kinds[i]] - BESIDE_INT3[kinds[i] + 1]);
          double worth = saved / cost(groups.get(i), kinds[i]);
          if (worth > most) {
            most = worth;
            best = i;
          }
        }
      }
      if (best < 0) {
        break;
      }
      left -= cost(groups.get(best), kinds[best]++);
    }
    Map<String, Quant> chosen = new HashMap<>();
    for (int i = 0; i < kinds.length; i++) {
      for (TensorSpec matrix : groups.get(i).matrices) {
        chosen.put(matrix.name(), KINDS.get(kinds[i]));
      }
    }
    return chosen;
  }

  /** Bits that the next kind of a group takes. */
  private static double cost(Group group, int kind) {
    return group.weights() * (KINDS.get(kind + 1).bits() - KINDS.get(kind).bits());
  }
}
