package dev.baichuan4j.internal.nn;

import static dev.baichuan4j.internal.nn.Ops.optional;
import static dev.baichuan4j.internal.nn.Ops.pointer;

import dev.baichuan4j.jni.global.baichuan;

/**
 * The ops that training adds to those of the forward pass, on the context of an {@link Ops} whose
 * device reads RAM. Tensors are F32 unless said otherwise; the name of a derivative of the loss
 * begins with d.
 */
final class TrainOps {
  private final Ops ops;

  TrainOps(Ops ops) {
    this.ops = ops;
  }

  /** dx [T,K] = (dy [T,N] * rowScale) w [N,K]; added to dx if asked for. */
  void inputGradient(Tensor dx, Tensor dy, Tensor w, Tensor rowScale, boolean add) {
    Bindings.check(
        baichuan.bc_matmul_backward_input(
            ops.context(), pointer(dx), pointer(dy), pointer(w), optional(rowScale), add ? 1 : 0));
  }

  /** out [T,N] += x [T,R] w [R,N]: the same product, forward. */
  void addProduct(Tensor out, Tensor x, Tensor w) {
    inputGradient(out, x, w, null, true);
  }

  /** dw [N,K] += dy [T,N]^T x [T,K]. */
  void weightGradient(Tensor dw, Tensor dy, Tensor x) {
    Bindings.check(
        baichuan.bc_matmul_backward_weight(ops.context(), pointer(dw), pointer(dy), pointer(x)));
  }

  /** dx [T,C] += and dweight [C] +=, if not null, for y = rmsNorm(x, weight). */
  void rmsNorm(Tensor dx, Tensor dweight, Tensor dy, Tensor x, Tensor weight, float eps) {
    Bindings.check(
        baichuan.bc_rms_norm_backward(
            ops.context(),
            pointer(dx),
            optional(dweight),
            pointer(dy),
            pointer(x),
            pointer(weight),
            eps));
  }

  /** dgate and dup [T,F], which may be gate and up, for y = swiglu(gate, up). */
  void swiglu(Tensor dgate, Tensor dup, Tensor dy, Tensor gate, Tensor up) {
    Bindings.check(
        baichuan.bc_swiglu_backward(
            ops.context(), pointer(dgate), pointer(dup), pointer(dy), pointer(gate), pointer(up)));
  }

  /**
   * dqkv [T,(H+2G)D] behind rope becomes that in front of it.
   *
   * @param dnorms gradients of the norms, added to; or null
   * @param qkv what rope was given; not used without norms
   */
  void rope(
      Tensor dqkv,
      HeadNorms dnorms,
      Tensor qkv,
      Tensor positions,
      Rotation rotation,
      HeadNorms norms) {
    Bindings.check(
        baichuan.bc_rope_backward(
            ops.context(),
            pointer(dqkv),
            dnorms == null ? null : pointer(dnorms.query()),
            dnorms == null ? null : pointer(dnorms.key()),
            norms == null ? null : pointer(qkv),
            pointer(positions),
            rotation.heads(),
            2 * rotation.frequencies().length,
            rotation.frequencies(),
            rotation.scale(),
            norms == null ? null : pointer(norms.query()),
            norms == null ? null : pointer(norms.key()),
            norms == null ? 0 : norms.eps()));
  }

  /**
   * dqkv [T,(H+2G)D] for out [T,HD] = attention within samples.
   *
   * @param offsets [B+1] I32
   * @param slopes [H] or null
   * @param window in positions, 0 for none
   */
  void attention(
      Tensor dqkv,
      Tensor dout,
      Tensor out,
      Tensor qkv,
      Tensor offsets,
      Tensor slopes,
      int headSize,
      int window) {
    Bindings.check(
        baichuan.bc_attention_backward(
            ops.context(),
            pointer(dqkv),
            pointer(dout),
            pointer(out),
            pointer(qkv),
            pointer(offsets),
            optional(slopes),
            headSize,
            window));
  }

  /**
   * loss [R] of logits [R,V], of which row r becomes its derivative times scales[r]; targets [R]
   * I32, -1 for a row without a loss.
   */
  void crossEntropy(Tensor logits, Tensor loss, Tensor targets, Tensor scales) {
    Bindings.check(
        baichuan.bc_cross_entropy(
            ops.context(), pointer(logits), pointer(loss), pointer(targets), pointer(scales)));
  }

  /** Rows ids [T] I32 of dtable [V,C] += dx [T,C]. */
  void embed(Tensor dtable, Tensor dx, Tensor ids) {
    Bindings.check(
        baichuan.bc_embed_backward(ops.context(), pointer(dtable), pointer(dx), pointer(ids)));
  }

  /** dw [N,K] with respect to w times its norms [N] becomes that with respect to w. */
  void rowNorms(Tensor dw, Tensor w, Tensor norms) {
    Bindings.check(
        baichuan.bc_row_norms_backward(ops.context(), pointer(dw), pointer(w), pointer(norms)));
  }

  void zero(Tensor x) {
    Bindings.check(baichuan.bc_zero(ops.context(), pointer(x)));
  }

  double sumOfSquares(Tensor x) {
    double[] sum = new double[1];
    Bindings.check(baichuan.bc_sum_of_squares(ops.context(), pointer(x), sum));
    return sum[0];
  }

  /** A step of AdamW with the states of a parameter. */
  void adamw(Parameter parameter, AdamW.States states, AdamW.Step step) {
    Bindings.check(
        baichuan.bc_adamw(
            ops.context(),
            pointer(parameter.weight()),
            optional(parameter.copy()),
            pointer(states.m()),
            pointer(states.v()),
            optional(states.mPeaks()),
            optional(states.vPeaks()),
            pointer(parameter.gradient()),
            step.rate(),
            step.beta1(),
            step.beta2(),
            step.eps(),
            step.decay(),
            step.factor(),
            step.number(),
            step.seed()));
  }
}
