package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import java.util.Arrays;

/** What a layer needs on its way forward and back beside its activations, for T tokens; all F32. */
final class TrainingBuffers extends OwnedTensors {
  final Tensor ones; // [T,1]
  final Tensor h; // [T,C]: the norm in front of attention
  final Tensor g; // [T,C]: the norm in front of gate and up
  final Tensor delta; // [T,C]: what a part adds, or the gradient of a norm
  final Tensor dqkv; // [T,(H+2G)D]
  final Tensor dattention; // [T,HD]
  final Tensor hidden; // [T,F]
  final Tensor dhidden; // [T,F]
  final Tensor low; // [T,R] of a branch
  final Tensor dlow; // [T,R]

  /**
   * @param rank R, the largest of a branch
   */
  TrainingBuffers(Ops ops, Architecture model, long tokens, long rank) {
    long c = model.hiddenSize();
    long f = model.intermediateSize();
    long width = model.heads().width();
    long qkvWidth = model.heads().qkvWidth();
    this.ones = f32(ops, tokens, 1);
    float[] values = new float[(int) tokens];
    Arrays.fill(values, 1);
    ones.write(values);
    this.h = f32(ops, tokens, c);
    this.g = f32(ops, tokens, c);
    this.delta = f32(ops, tokens, c);
    this.dqkv = f32(ops, tokens, qkvWidth);
    this.dattention = f32(ops, tokens, width);
    this.hidden = f32(ops, tokens, f);
    this.dhidden = f32(ops, tokens, f);
    this.low = f32(ops, tokens, rank);
    this.dlow = f32(ops, tokens, rank);
  }

  /** The leading rows of others; shares the bytes. */
  private TrainingBuffers(TrainingBuffers of, long rows) {
    this.ones = view(of.ones, rows);
    this.h = view(of.h, rows);
    this.g = view(of.g, rows);
    this.delta = view(of.delta, rows);
    this.dqkv = view(of.dqkv, rows);
    this.dattention = view(of.dattention, rows);
    this.hidden = view(of.hidden, rows);
    this.dhidden = view(of.dhidden, rows);
    this.low = view(of.low, rows);
    this.dlow = view(of.dlow, rows);
  }

  /** Returns the leading rows; to be closed by itself. */
  TrainingBuffers first(long rows) {
    return new TrainingBuffers(this, rows);
  }

  /** Bytes for so many tokens. */
  static long bytes(Architecture model, long tokens, long rank) {
    long row =
        1
            + 3L * model.hiddenSize()
            + model.heads().qkvWidth()
            + model.heads().width()
            + 2L * model.intermediateSize()
            + 2 * rank;
    return 4 * tokens * row;
  }
}
