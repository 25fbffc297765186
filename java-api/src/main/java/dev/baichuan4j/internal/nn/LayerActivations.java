package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;

/**
 * What the products of a layer give on the way forward, for T tokens, all F32: with it, and what
 * enters the layer, the way back needs no product of the forward pass again.
 */
final class LayerActivations extends OwnedTensors {
  final Tensor unturned; // [T,(H+2G)D] in front of rope; without head norms the same as qkv
  final Tensor qkv; // [T,(H+2G)D]
  final Tensor attention; // [T,HD]
  final Tensor middle; // [T,C]: the residual stream behind attention
  final Tensor gate; // [T,F]
  final Tensor up; // [T,F]

  LayerActivations(Ops ops, Architecture model, long tokens) {
    this.qkv = f32(ops, tokens, model.heads().qkvWidth());
    this.unturned =
        model.projections().headNorms() ? f32(ops, tokens, model.heads().qkvWidth()) : qkv;
    this.attention = f32(ops, tokens, model.heads().width());
    this.middle = f32(ops, tokens, model.hiddenSize());
    this.gate = f32(ops, tokens, model.intermediateSize());
    this.up = f32(ops, tokens, model.intermediateSize());
  }

  /** The leading rows of others; shares the bytes. */
  private LayerActivations(LayerActivations of, long rows) {
    this.qkv = view(of.qkv, rows);
    this.unturned = of.unturned == of.qkv ? qkv : view(of.unturned, rows);
    this.attention = view(of.attention, rows);
    this.middle = view(of.middle, rows);
    this.gate = view(of.gate, rows);
    this.up = view(of.up, rows);
  }

  /** Returns the leading rows; to be closed by itself. */
  LayerActivations first(long rows) {
    return new LayerActivations(this, rows);
  }

  /** Bytes for so many tokens. */
  static long bytes(Architecture model, long tokens) {
    long qkv = (model.projections().headNorms() ? 2L : 1L) * model.heads().qkvWidth();
    return 4
        * tokens
        * (qkv + model.heads().width() + model.hiddenSize() + 2L * model.intermediateSize());
  }
}
