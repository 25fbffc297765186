package dev.baichuan4j.internal.nn;

import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
import java.util.ArrayList;
import java.util.List;

/**
 * The forward and backward pass of a batch of samples. Forward, what enters a layer is kept, and
 * its activations where there is memory for those of all layers; else a layer is run again on the
 * way back, which takes two thirds of its forward pass again and the memory of one layer. Its
 * gradients are added to those of the parameters.
 */
public final class TrainingPass implements AutoCloseable {
  private final Ops ops;
  private final TrainOps train;
  private final Architecture model;
  private final TrainedWeights trained;
  private final TrainingLayer layer;
  private final TrainingHead head;
  private final int maxTokens;
  private final int maxSamples;
  private final int maxLength;
  private final StepInputs inputs;
  private final List<Tensor> entries = new ArrayList<>(); // [L+1] of [T,C]: what enters a layer
  private final Tensor gradient; // [T,C] of the residual stream
  private final Tensor noise; // [T,C]

  /**
   * @param maxTokens most tokens of a batch
   * @param maxSamples most samples of a batch
   * @param maxLength most tokens of a sample
   * @param keeps whether the activations of all layers are kept
   */
  public TrainingPass(
      Model model,
      TrainedWeights trained,
      int maxTokens,
      int maxSamples,
      int maxLength,
      boolean keeps) {
    this.ops = model.ops();
    this.train = new TrainOps(ops);
    this.model = model.architecture();
    this.trained = trained;
    this.maxTokens = maxTokens;
    this.maxSamples = maxSamples;
    this.maxLength = maxLength;
    long c = this.model.hiddenSize();
    // Each sample but the last may leave a part of a page free.
    int pages = Layout.pagesFor(maxTokens) + maxSamples;
    this.inputs = StepInputs.of(ops, maxTokens, maxSamples, 1, Layout.pagesFor(maxLength), 1);
    this.layer = new TrainingLayer(ops, this.model, trained, maxTokens, maxLength, pages, keeps);
    this.head = new TrainingHead(ops, this.model, trained, maxTokens);
    for (int i = 0; i <= this.model.layers(); i++) {
      entries.add(ops.tensor(ElementType.F32, maxTokens, c));
    }
    this.gradient = ops.tensor(ElementType.F32, maxTokens, c);
    this.noise = ops.tensor(ElementType.F32, maxTokens, c);
  }

  /**
   * What a batch gave.
   *
   * @param losses [samples] sums of the losses of each sample's targets: negative logarithms of
   *     their probabilities
   * @param targets how many there were
   */
  public record Result(double[] losses, int targets) {
    /** Returns the sum of all. */
    public double sum() {
      double sum = 0;
      for (double loss : losses) {
        sum += loss;
      }
      return sum;
    }
  }

  /** Runs a batch forward alone. */
  public Result evaluate(TrainingBatch batch) {
    return run(batch, null, false);
  }

  /**
   * Runs a batch forward and back, and adds to the gradients.
   *
   * @param noise [T C] what is added to the embeddings (NEFTune); null for none
   */
  public Result run(TrainingBatch batch, float[] noise) {
    return run(batch, noise, true);
  }

  private Result run(TrainingBatch batch, float[] added, boolean backward) {
    requireRoom(batch);
    Batch fed = batch.step(Layout.pagesFor(maxLength));
    inputs.write(fed);
    int rows = batch.tokens();
    List<Tensor> views = new ArrayList<>();
    try {
      StepInputs in = inputs.first(StepSize.of(fed));
      views.addAll(in.all());
      List<Tensor> x = entries.stream().map(entry -> entry.first(rows)).toList();
      views.addAll(x);
      Tensor dx = gradient.first(rows);
      views.add(dx);
      ops.embed(x.get(0), in.ids(), trained.weights().embedding());
      if (added != null) {
        Tensor of = noise.first(rows);
        views.add(of);
        of.write(added);
        ops.addRmsNorm(x.get(0), dx, of, trained.weights().finalNorm(), model.normEps());
      }
      for (int i = 0; i < model.layers(); i++) {
        OperationInterruptedException.check("training");
        layer.forward(i, in, x.get(i), x.get(i + 1));
      }
      Result result = head.run(batch, x.get(model.layers()), backward ? dx : null);
      if (backward) {
        for (int i = model.layers() - 1; i >= 0; i--) {
          OperationInterruptedException.check("training");
          layer.backward(i, in, x.get(i), dx, i > 0 || trained.isFull());
        }
        Tensor table = trained.gradient(trained.weights().embedding());
        if (table != null) {
          train.embed(table, dx, in.ids());
        }
      }
      return result;
    } finally {
      views.forEach(Tensor::close);
    }
  }

  private void requireRoom(TrainingBatch batch) {
    if (batch.tokens() > maxTokens
        || batch.samples() > maxSamples
        || batch.longest() > maxLength
        || batch.samples() == 0) {
      throw new IllegalArgumentException(
          "batch has %d samples of %d tokens, the longest %d, expected 1 to %d of %d, at most %d"
              .formatted(
                  batch.samples(),
                  batch.tokens(),
                  batch.longest(),
                  maxSamples,
                  maxTokens,
                  maxLength));
    }
  }

  /** Returns C, the width of the embeddings. */
  public int width() {
    return model.hiddenSize();
  }

  /**
   * Bytes of a pass.
   *
   * @param rank the largest of a branch; 1 without
   * @param keeps whether the activations of all layers are kept
   */
  public static long bytes(
      Architecture model, long rank, int maxTokens, int maxSamples, boolean keeps) {
    long stream = 4L * maxTokens * model.hiddenSize() * (model.layers() + 3);
    long pages = Layout.pagesFor(maxTokens) + maxSamples;
    long cache = pages * KvCache.pageBytes(model, ElementType.F32) / model.layers();
    return stream
        + cache
        + TrainingBuffers.bytes(model, maxTokens, rank)
        + (keeps ? model.layers() : 1) * LayerActivations.bytes(model, maxTokens)
        + TrainingHead.bytes(model, maxTokens, rank);
  }

  /** Completes the gradients, once all batches of a step have been run. */
  public void finishGradients() {
    trained.finishGradients(train);
  }

  @Override
  public void close() {
    inputs.all().forEach(Tensor::close);
    layer.close();
    head.close();
    entries.forEach(Tensor::close);
    gradient.close();
    noise.close();
  }
}
