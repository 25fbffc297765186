package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.TensorSpec;
import java.util.function.Consumer;

/**
 * How a checkpoint's matrices become packed ones: one after the other, in the order of the pass.
 */
interface MatrixPacker extends AutoCloseable {
  /**
   * Packs the next of {@link dev.baichuan4j.internal.arch.Architecture#matrices()}.
   *
   * @param take is given its rows, packed, in blocks from the first to the last
   */
  void pack(TensorSpec matrix, Consumer<Tensor> take);

  @Override
  void close();
}
