package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What a layer computes on its way forward and back, for T tokens; all F32. */
final class TrainingBuffers implements AutoCloseable {
  private final List<Tensor> all = new ArrayList<>();
  final Tensor ones; // [T,1]
  final Tensor middle; // [T,C]: the residual stream behind attention
  final Tensor h; // [T,C]: the norm in front of attention
  final Tensor g; // [T,C]: the norm in front of gate and up
  final Tensor delta; // [T,C]: what a part adds, or the gradient of a norm
  final Tensor unturned; // [T,(H+2G)D] in front of rope; without head norms the same as qkv
  final Tensor qkv; // [T,(H+2G)D]
  final Tensor dqkv; // [T,(H+2G)D]
  final Tensor attention; // [T,HD]
  final Tensor dattention; // [T,HD]
  final Tensor gate; // [T,F]
  final Tensor up; // [T,F]
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
    this.middle = f32(ops, tokens, c);
    this.h = f32(ops, tokens, c);
    this.g = f32(ops, tokens, c);
    this.delta = f32(ops, tokens, c);
    this.qkv = f32(ops, tokens, qkvWidth);
    this.unturned = model.projections().headNorms() ? f32(ops, tokens, qkvWidth) : qkv;
    this.dqkv = f32(ops, tokens, qkvWidth);
    this.attention = f32(ops, tokens, width);
    this.dattention = f32(ops, tokens, width);
    this.gate = f32(ops, tokens, f);
    this.up = f32(ops, tokens, f);
    this.hidden = f32(ops, tokens, f);
    this.dhidden = f32(ops, tokens, f);
    this.low = f32(ops, tokens, rank);
    this.dlow = f32(ops, tokens, rank);
  }

  /** The leading rows of others; shares the bytes. */
  private TrainingBuffers(TrainingBuffers of, long rows) {
    this.ones = view(of.ones, rows);
    this.middle = view(of.middle, rows);
    this.h = view(of.h, rows);
    this.g = view(of.g, rows);
    this.delta = view(of.delta, rows);
    this.qkv = view(of.qkv, rows);
    this.unturned = of.unturned == of.qkv ? qkv : view(of.unturned, rows);
    this.dqkv = view(of.dqkv, rows);
    this.attention = view(of.attention, rows);
    this.dattention = view(of.dattention, rows);
    this.gate = view(of.gate, rows);
    this.up = view(of.up, rows);
    this.hidden = view(of.hidden, rows);
    this.dhidden = view(of.dhidden, rows);
    this.low = view(of.low, rows);
    this.dlow = view(of.dlow, rows);
  }

  private Tensor f32(Ops ops, long... shape) {
    Tensor tensor = ops.tensor(ElementType.F32, shape);
    all.add(tensor);
    return tensor;
  }

  private Tensor view(Tensor of, long rows) {
    Tensor view = of.first(rows);
    all.add(view);
    return view;
  }

  /** Returns the leading rows; to be closed by itself. */
  TrainingBuffers first(long rows) {
    return new TrainingBuffers(this, rows);
  }

  /** Bytes for so many tokens. */
  static long bytes(Architecture model, long tokens, long rank) {
    long qkvWidth = (model.projections().headNorms() ? 3L : 2L) * model.heads().qkvWidth();
    long row =
        1
            + 4L * model.hiddenSize()
            + qkvWidth
            + 2L * model.heads().width()
            + 4L * model.intermediateSize()
            + 2 * rank;
    return 4 * tokens * row;
  }

  @Override
  public void close() {
    all.forEach(Tensor::close);
  }
}
