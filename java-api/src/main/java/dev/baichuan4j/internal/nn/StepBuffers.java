package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** The tensors that a step computes on its way, allocated once for the largest step. */
final class StepBuffers implements AutoCloseable {
  /**
   * K: how many of the best logits of a row are found where they were computed. 1 KB a row instead
   * of 4V bytes. The greatest k of top-k in common use is 50, the default of Hugging Face
   * transformers, and the other 78 are there because a penalty may lower the best below some of the
   * rest: only if more than K - k of these K tokens are penalized that far are K too few.
   */
  private static final int TOP = 128;

  /**
   * The buffers of rows that pass through the layers together.
   *
   * @param x [T,C] the residual stream
   * @param h [T,C] its norm
   * @param delta [T,C] what a block adds
   * @param attention [T,HD]
   * @param hidden [T,F]
   * @param room [T,F] for the product that SwiGLU meets; null where it is fused
   */
  record Rows(Tensor x, Tensor h, Tensor delta, Tensor attention, Tensor hidden, Tensor room) {
    Rows first(int rows) {
      return new Rows(
          x.first(rows),
          h.first(rows),
          delta.first(rows),
          attention.first(rows),
          hidden.first(rows),
          room == null ? null : room.first(rows));
    }

    List<Tensor> all() {
      return Stream.of(x, h, delta, attention, hidden, room).filter(Objects::nonNull).toList();
    }
  }

  /**
   * The results of a step.
   *
   * @param logits [R,V]
   * @param topValues [R,K] the best of each row
   * @param topIds [R,K]
   */
  record Results(Tensor logits, Tensor topValues, Tensor topIds) {
    List<Tensor> all() {
      return List.of(logits, topValues, topIds);
    }
  }

  private final Rows tokens; // of every token of a step
  private final Rows wanted; // of the tokens whose logits are wanted: x and attention of their own
  private final Tensor qkv; // [T,(H+2G)D]
  private final Results results; // logits in rows of V rounded up
  private final int vocabulary;
  private final int hiddenSize;

  StepBuffers(Model model, int maxTokens, int maxRows) {
    Ops ops = model.ops();
    Architecture architecture = model.architecture();
    ElementType f32 = ElementType.F32;
    ElementType activations = model.activations();
    long c = architecture.hiddenSize();
    long f = architecture.intermediateSize();
    long width = architecture.heads().width();
    tokens =
        new Rows(
            ops.tensor(f32, maxTokens, c),
            ops.tensor(activations, maxTokens, c),
            ops.tensor(activations, maxTokens, c),
            ops.tensor(activations, maxTokens, width),
            ops.tensor(activations, maxTokens, f),
            model.weights().layers().get(0).gateUp().needsRoom()
                ? ops.tensor(activations, maxTokens, f)
                : null);
    wanted =
        new Rows(
            ops.tensor(f32, maxRows, c),
            tokens.h,
            tokens.delta,
            ops.tensor(activations, maxRows, width),
            tokens.hidden,
            tokens.room);
    qkv = ops.tensor(activations, maxTokens, architecture.heads().qkvWidth());
    vocabulary = architecture.vocabularySize();
    hiddenSize = architecture.hiddenSize();
    int k = topCount();
    results =
        new Results(
            ops.tensor(f32, maxRows, logitStride(vocabulary)),
            ops.tensor(f32, maxRows, k),
            ops.tensor(ElementType.I32, maxRows, k));
  }

  /** Bytes of the buffers for steps of at most these sizes. */
  static long bytes(Architecture model, DeviceFacts facts, int maxTokens, int maxRows) {
    long activation = facts.activationBits() / 8;
    long c = model.hiddenSize();
    long width = model.heads().width();
    long hidden = model.intermediateSize() * (facts.fusesSwiglu() ? 1L : 2L);
    long slot = 4; // bytes of the number of an adapter, in the inputs
    long token = slot + 4 * c + activation * (2 * c + model.heads().qkvWidth() + width + hidden);
    long row =
        slot
            + 4 * c
            + activation * width
            + 4 * (logitStride(model.vocabularySize()) + 2 * TOP)
            + 4 * StepInputs.maskWords(model.vocabularySize());
    return maxTokens * token + maxRows * row;
  }

  /** Floats from a row of logits to the next: whole 16 bytes, as a GPU loads them for top_k. */
  private static long logitStride(int vocabulary) {
    return (vocabulary + 3L) / 4 * 4;
  }

  /** K. */
  int topCount() {
    return Math.min(TOP, vocabulary);
  }

  Rows tokens() {
    return tokens;
  }

  Rows wanted() {
    return wanted;
  }

  Tensor qkv() {
    return qkv;
  }

  /** The results of a step of {@code rows} rows; share the bytes. */
  Results results(int rows) {
    return new Results(
        results.logits.first(rows, vocabulary),
        results.topValues.first(rows),
        results.topIds.first(rows));
  }

  /** Copies row {@code row} of the logits into target [V]. */
  void logits(int row, float[] target) {
    results.logits.read(row * logitStride(vocabulary), target);
  }

  /** C. */
  int hiddenSize() {
    return hiddenSize;
  }

  /**
   * Where the last norm of all tokens is as F32: the tensor itself, or the residual stream, which
   * nobody needs any more.
   */
  static Tensor hidden(Rows tokens) {
    return tokens.h.type() == ElementType.F32 ? tokens.h : tokens.x;
  }

  /** Copies {@code count} hidden states from that of token {@code first} on. */
  void hidden(int first, int count, float[] target) {
    hidden(tokens).read((long) first * hiddenSize, target, count * hiddenSize);
  }

  /** Copies the best logits of the first {@code rows} rows. */
  void topLogits(TopLogits target, int rows) {
    target.read(results.topValues, results.topIds, rows);
  }

  @Override
  public void close() {
    tokens.all().forEach(Tensor::close);
    List.of(wanted.x, wanted.attention, qkv).forEach(Tensor::close);
    results.all().forEach(Tensor::close);
  }
}
