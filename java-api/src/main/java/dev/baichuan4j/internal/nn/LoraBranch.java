package dev.baichuan4j.internal.nn;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * What an adapter that is trained adds to a product: out += scale (x A^T) B^T, with B turned. A
 * begins with uniform numbers in +-1/sqrt(K), as peft has it (Kaiming's with a = sqrt(5)), and B
 * with zeros: it adds nothing before the first step.
 *
 * <p>Source: Hu et al. 2021, arXiv:2106.09685.
 */
final class LoraBranch implements AutoCloseable {
  private final Ops ops;
  private final TrainOps train;
  private final Parameter a; // [R,K]
  private final Parameter b; // [R,N]
  private final Tensor scales; // [R], the scale in each

  LoraBranch(Ops ops, Parameter a, Parameter b, float scale) {
    this.ops = ops;
    this.train = new TrainOps(ops);
    this.a = a;
    this.b = b;
    this.scales = ops.tensor(ElementType.F32, rank());
    float[] values = new float[rank()];
    Arrays.fill(values, scale);
    scales.write(values);
  }

  /** Fills A. */
  void initialize(SplittableRandom random) {
    long columns = a.weight().size(1);
    double limit = 1 / Math.sqrt(columns);
    float[] values = new float[Math.toIntExact(a.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) ((2 * random.nextDouble() - 1) * limit);
    }
    a.weight().write(values);
  }

  /** Returns R. */
  int rank() {
    return (int) a.weight().size(0);
  }

  /** out [T,N] += what the branch gives for x [T,K]; u [T,R] is left as x A^T times the scale. */
  void forward(Tensor out, Tensor x, Tensor u) {
    ops.matmul(u, x, a.weight(), scales, null);
    train.addProduct(out, u, b.weight());
  }

  /**
   * Adds to the gradients of A and B, and to dx [T,K].
   *
   * @param dx null where nothing in front of the product is trained
   * @param u [T,R] room
   * @param du [T,R] room
   */
  void backward(Tensor dx, Tensor dy, Tensor x, Tensor u, Tensor du) {
    ops.matmul(u, x, a.weight(), scales, null);
    train.weightGradient(b.gradient(), u, dy);
    ops.matmul(du, dy, b.weight(), scales, null);
    train.weightGradient(a.gradient(), du, x);
    if (dx != null) {
      train.inputGradient(dx, du, a.weight(), null, true);
    }
  }

  @Override
  public void close() {
    a.close();
    b.close();
    scales.close();
  }
}
