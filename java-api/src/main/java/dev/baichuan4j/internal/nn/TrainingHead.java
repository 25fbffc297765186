package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.lora.Target;
import java.util.Arrays;

/**
 * The end of a training pass: the logits of the tokens that have a target, some rows at a time, and
 * the loss. The logits of all tokens are never there: with 125,696 of them a token has 500 KB.
 */
final class TrainingHead implements AutoCloseable {
  /** Bytes of logits at a time. */
  private static final long LOGITS = 128L << 20;

  /** Rows at a time for which the gradient of the head, 8 bytes a weight, is read and written. */
  private static final int MOST_ROWS = 512;

  private final Ops ops;
  private final TrainOps train;
  private final Architecture model;
  private final TrainedWeights trained;
  private final TrainingProducts products;
  private final Tensor tokens; // [R] I32
  private final Tensor targets; // [R] I32
  private final Tensor scales; // [R]
  private final Tensor losses; // [R]
  private final Tensor x; // [R,C]
  private final Tensor h; // [R,C]
  private final Tensor dx; // [R,C]
  private final Tensor dh; // [R,C]
  private final Tensor ones; // [R,1]
  private final Tensor logits; // [R,V]
  private final Tensor low; // [R,rank]
  private final Tensor dlow; // [R,rank]

  TrainingHead(Ops ops, Architecture model, TrainedWeights trained, int maxTokens) {
    this.ops = ops;
    this.train = new TrainOps(ops);
    this.model = model;
    this.trained = trained;
    this.products = new TrainingProducts(ops, trained);
    int rows = rows(model, maxTokens);
    this.tokens = ops.tensor(ElementType.I32, rows);
    this.targets = ops.tensor(ElementType.I32, rows);
    this.scales = f32(rows);
    this.losses = f32(rows);
    this.x = f32(rows, model.hiddenSize());
    this.h = f32(rows, model.hiddenSize());
    this.dx = f32(rows, model.hiddenSize());
    this.dh = f32(rows, model.hiddenSize());
    this.ones = f32(rows, 1);
    float[] values = new float[rows];
    Arrays.fill(values, 1);
    ones.write(values);
    this.logits = f32(rows, model.vocabularySize());
    this.low = f32(rows, trained.largestRank());
    this.dlow = f32(rows, trained.largestRank());
  }

  private Tensor f32(long... shape) {
    return ops.tensor(ElementType.F32, shape);
  }

  private static int rows(Architecture model, int maxTokens) {
    long fitting = Math.max(LOGITS / 4 / model.vocabularySize(), 16);
    return (int) Math.min(Math.min(fitting, MOST_ROWS), maxTokens);
  }

  /** Bytes for batches of so many tokens. */
  static long bytes(Architecture model, int maxTokens, long rank) {
    return rows(model, maxTokens)
        * (20 + 4 * (4L * model.hiddenSize() + model.vocabularySize() + 2 * rank));
  }

  /**
   * Gives the losses of a batch.
   *
   * @param stream [T,C] what leaves the last layer
   * @param gradient [T,C] becomes its gradient; null where none is wanted
   */
  TrainingPass.Result run(TrainingBatch batch, Tensor stream, Tensor gradient) {
    TrainingBatch.Rows all = batch.rowsWithTargets();
    double[] sums = new double[batch.samples()];
    if (gradient != null) {
      train.zero(gradient);
    }
    int most = (int) tokens.size(0);
    for (int from = 0; from < batch.rows(); from += most) {
      int count = Math.min(most, batch.rows() - from);
      float[] found = chunk(all, from, count, stream, gradient);
      for (int i = 0; i < count; i++) {
        sums[all.samples()[from + i]] += found[i];
      }
    }
    return new TrainingPass.Result(sums, batch.rows());
  }

  private float[] chunk(
      TrainingBatch.Rows all, int from, int count, Tensor stream, Tensor gradient) {
    Weights weights = trained.weights();
    tokens.write(Arrays.copyOfRange(all.tokens(), from, from + count), count);
    targets.write(Arrays.copyOfRange(all.targets(), from, from + count), count);
    scales.write(Arrays.copyOfRange(all.scales(), from, from + count));
    try (Tensor ids = tokens.first(count);
        Tensor right = targets.first(count);
        Tensor by = scales.first(count);
        Tensor loss = losses.first(count);
        Tensor rows = x.first(count);
        Tensor normed = h.first(count);
        Tensor out = logits.first(count);
        Tensor u = low.first(count)) {
      ops.embed(rows, ids, stream);
      ops.rmsNorm(normed, rows, weights.finalNorm(), model.normEps());
      products.forward(weights.head(), out, normed);
      products.forward(Target.HEAD, 0, out, normed, u);
      train.crossEntropy(out, loss, right, by);
      float[] found = new float[count];
      loss.read(0, found);
      if (gradient != null) {
        backward(count, ids, rows, normed, out, u, gradient);
      }
      return found;
    }
  }

  private void backward(
      int count,
      Tensor ids,
      Tensor rows,
      Tensor normed,
      Tensor dlogits,
      Tensor u,
      Tensor gradient) {
    Weights weights = trained.weights();
    try (Tensor drows = dx.first(count);
        Tensor dnormed = dh.first(count);
        Tensor one = ones.first(count);
        Tensor du = dlow.first(count)) {
      products.backward(weights.head(), dnormed, false, dlogits, normed, one);
      products.backward(Target.HEAD, 0, dnormed, dlogits, normed, u, du);
      train.zero(drows);
      Tensor norm = trained.gradient(weights.finalNorm());
      train.rmsNorm(drows, norm, dnormed, rows, weights.finalNorm(), model.normEps());
      train.embed(gradient, drows, ids);
    }
  }

  @Override
  public void close() {
    for (Tensor tensor :
        new Tensor[] {tokens, targets, scales, losses, x, h, dx, dh, ones, logits, low, dlow}) {
      tensor.close();
    }
  }
}
