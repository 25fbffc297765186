package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.lora.Target;
import java.util.function.BiConsumer;

/** The two matrices of a feed-forward layer whose products SwiGLU brings together. */
sealed interface GateUp {
  /**
   * out [T,F] = silu(x gate^T) * (x up^T).
   *
   * @param room [T,F] for one of the products; null where {@link #needsRoom} is false
   * @param added is given each product before SwiGLU, where it is stored
   */
  void apply(Ops ops, Tensor out, Tensor room, Tensor x, BiConsumer<Target, Tensor> added);

  /** As above, where nothing is added. */
  default void apply(Ops ops, Tensor out, Tensor room, Tensor x) {
    apply(ops, out, room, x, (target, product) -> {});
  }

  /** Returns whether a product has to be stored before SwiGLU. */
  boolean needsRoom();

  /** Returns the bytes that the products read. */
  long bytes();

  /**
   * Two matrices, which may lie in a mapped file.
   *
   * @param gate [F,C]
   * @param up [F,C]
   */
  record Separate(Linear gate, Linear up) implements GateUp {
    @Override
    public void apply(
        Ops ops, Tensor out, Tensor room, Tensor x, BiConsumer<Target, Tensor> added) {
      gate.apply(ops, out, x);
      added.accept(Target.GATE, out);
      up.apply(ops, room, x);
      added.accept(Target.UP, room);
      ops.swiglu(out, out, room);
    }

    @Override
    public boolean needsRoom() {
      return true;
    }

    @Override
    public long bytes() {
      return gate.bytes() + up.bytes();
    }
  }

  /**
   * One matrix with the rows of both in turn, whose product applies SwiGLU before it stores.
   *
   * @param both [2F,C]
   */
  record InTurn(Tensor both) implements GateUp {
    @Override
    public void apply(
        Ops ops, Tensor out, Tensor room, Tensor x, BiConsumer<Target, Tensor> added) {
      ops.matmulSwiglu(out, x, both);
    }

    @Override
    public boolean needsRoom() {
      return false;
    }

    @Override
    public long bytes() {
      return both.bytes();
    }
  }
}
