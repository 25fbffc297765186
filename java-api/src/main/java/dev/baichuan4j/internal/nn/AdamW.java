package dev.baichuan4j.internal.nn;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The optimizer: Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101),
 * after the gradient has been clipped to a global norm. It holds two states for each number that is
 * trained, in F32 or in 8 bits (Dettmers et al. 2022, arXiv:2110.02861).
 */
public final class AdamW implements AutoCloseable {
  /** Numbers of a block of states in 8 bits, which share the largest magnitude. */
  private static final int BLOCK = 256;

  private static final byte LEAST = -127; // stands for 0 among states v of 8 bits

  /**
   * What does not change from step to step.
   *
   * @param beta1 share of the last mean that stays
   * @param beta2 share of the last mean of squares that stays
   * @param eps added to the root of the mean of squares
   * @param decay of weights, times the learning rate
   * @param maxNorm of the gradient of all parameters; 0 for no limit
   * @param smallStates states in 8 bits
   */
  public record Settings(
      float beta1, float beta2, float eps, float decay, double maxNorm, boolean smallStates) {}

  /**
   * Means of the gradient and of its square.
   *
   * @param mPeaks the largest magnitude of each block of m, where states are I8; else null
   */
  record States(Tensor m, Tensor v, Tensor mPeaks, Tensor vPeaks) {
    List<Tensor> all() {
      return mPeaks == null ? List.of(m, v) : List.of(m, v, mPeaks, vPeaks);
    }
  }

  /** The numbers of a step for one parameter. */
  record Step(
      float rate,
      float beta1,
      float beta2,
      float eps,
      float decay,
      float factor,
      long number,
      long seed) {}

  private final TrainOps train;
  private final List<Parameter> parameters;
  private final Settings settings;
  private final long seed;
  private final List<States> states = new ArrayList<>();

  /**
   * @param seed of what is rounded stochastically
   */
  public AdamW(Ops ops, List<Parameter> parameters, Settings settings, long seed) {
    this.train = new TrainOps(ops);
    this.parameters = parameters;
    this.settings = settings;
    this.seed = seed;
    for (Parameter parameter : parameters) {
      states.add(states(ops, parameter.elements()));
    }
  }

  private States states(Ops ops, long count) {
    if (!settings.smallStates) {
      return new States(
          ops.tensor(ElementType.F32, count), ops.tensor(ElementType.F32, count), null, null);
    }
    long blocks = (count + BLOCK - 1) / BLOCK;
    Tensor v = ops.tensor(ElementType.I8, count);
    byte[] least = new byte[(int) Math.min(count, 1 << 20)];
    Arrays.fill(least, LEAST);
    ByteBuffer buffer = ByteBuffer.allocateDirect(least.length).put(least).flip();
    for (long at = 0; at < count; at += least.length) {
      v.write(at, buffer.slice(0, (int) Math.min(least.length, count - at)));
    }
    return new States(
        ops.tensor(ElementType.I8, count),
        v,
        ops.tensor(ElementType.F32, blocks),
        ops.tensor(ElementType.F32, blocks));
  }

  /** Bytes of the states of so many numbers. */
  public static long bytes(long count, boolean smallStates) {
    return smallStates ? 2 * count + 2 * 4 * ((count + BLOCK - 1) / BLOCK) : 8 * count;
  }

  /** Returns the norm of the gradients of all parameters together. */
  public double norm() {
    double sum = 0;
    for (Parameter parameter : parameters) {
      sum += train.sumOfSquares(parameter.gradient());
    }
    return Math.sqrt(sum);
  }

  /**
   * Moves all parameters, and makes their gradients zero.
   *
   * @param number of the step, from 1
   * @param rate learning rate
   * @param norm of the gradients, a finite number
   */
  public void step(long number, double rate, double norm) {
    double limit = settings.maxNorm;
    float factor = limit > 0 && norm > limit ? (float) (limit / norm) : 1;
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      train.adamw(
          parameter,
          states.get(i),
          new Step(
              (float) (rate * parameter.rateFactor()),
              settings.beta1,
              settings.beta2,
              settings.eps,
              parameter.decays() ? settings.decay : 0,
              factor,
              number,
              seed + number * parameters.size() + i));
      train.zero(parameter.gradient());
    }
  }

  /** Returns all tensors that hold states, always in the same order. */
  public List<Tensor> tensors() {
    return states.stream().flatMap(one -> one.all().stream()).toList();
  }

  @Override
  public void close() {
    tensors().forEach(Tensor::close);
  }
}
