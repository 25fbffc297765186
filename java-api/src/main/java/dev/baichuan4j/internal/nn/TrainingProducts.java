package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.lora.Target;

/**
 * The products of a training pass, forward and back: with a matrix of the model, trained or not,
 * and with the branch beside it, where there is one.
 */
final class TrainingProducts {
  private final Ops ops;
  private final TrainOps train;
  private final TrainedWeights trained;

  TrainingProducts(Ops ops, TrainedWeights trained) {
    this.ops = ops;
    this.train = new TrainOps(ops);
    this.trained = trained;
  }

  /** out [T,N] = what the matrix gives for x [T,K]. */
  void forward(Linear linear, Tensor out, Tensor x) {
    linear.apply(ops, out, x);
  }

  /** out [T,N] += what the branch gives for x [T,K]. */
  void forward(Target target, int layer, Tensor out, Tensor x, Tensor low) {
    LoraBranch branch = trained.branch(target, layer);
    if (branch != null) {
      try (Tensor u = low.first(low.size(0), branch.rank())) {
        branch.forward(out, x, u);
      }
    }
  }

  /**
   * The gradients of a matrix and its bias, and dx [T,K], which is added to if asked for.
   *
   * @param dx null where it is not needed
   * @param ones [T,1]
   */
  void backward(Linear linear, Tensor dx, boolean add, Tensor dy, Tensor x, Tensor ones) {
    if (dx != null) {
      train.inputGradient(dx, dy, linear.weight(), linear.rowScale(), add);
    }
    Tensor weight = trained.gradient(linear.weight());
    if (weight != null) {
      train.weightGradient(weight, dy, x);
    }
    Tensor bias = trained.gradient(linear.bias());
    if (bias != null) {
      try (Tensor column = bias.reshape(bias.size(0), 1)) {
        train.weightGradient(column, dy, ones);
      }
    }
  }

  /** The gradients of a branch, and what it adds to dx [T,K]. */
  void backward(Target target, int layer, Tensor dx, Tensor dy, Tensor x, Tensor low, Tensor dlow) {
    LoraBranch branch = trained.branch(target, layer);
    if (branch != null) {
      try (Tensor u = low.first(low.size(0), branch.rank());
          Tensor du = dlow.first(dlow.size(0), branch.rank())) {
        branch.backward(dx, dy, x, u, du);
      }
    }
  }
}
