package dev.baichuan4j.internal.checkpoint;

import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/**
 * Takes the bytes of tensors, one tensor after the other in an order that was told before. The code
 * that made it closes it. For one thread.
 */
public interface TensorWriter extends AutoCloseable {
  /**
   * Appends the bytes of a buffer.
   *
   * @throws IllegalStateException if there are more than the tensor has room for
   * @throws UncheckedIOException if the file cannot be written
   */
  void bytes(ByteBuffer bytes);

  /**
   * Appends a tensor of another file as it is.
   *
   * @throws IllegalStateException if it has more bytes than there is room for
   * @throws UncheckedIOException if a file cannot be read or written
   */
  void copy(TensorEntry tensor);

  /**
   * Notes that all bytes of a tensor are there.
   *
   * @param loss norm of what was lost when it was quantized over the norm of the numbers
   * @throws UncheckedIOException if the file cannot be written
   */
  void end(double loss);

  @Override
  void close();
}
