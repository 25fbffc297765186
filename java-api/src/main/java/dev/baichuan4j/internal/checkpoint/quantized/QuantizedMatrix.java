package dev.baichuan4j.internal.checkpoint.quantized;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/** A matrix [N,K] that is stored as codes and what they are multiplied by. */
public interface QuantizedMatrix {
  /** Returns what the form calls it, such as {@code GPTQ of 4 bits}. */
  String kind();

  /** Returns the bits of a code. */
  int bits();

  /** Returns the type of the numbers that the form's library computes. */
  Element numbers();

  /** Returns the tensors that it is stored in; the first has the codes. */
  List<RawTensor> parts();

  /**
   * Returns what reads its codes as they are, where they stand for numbers in the way that {@link
   * HeldCodes} says.
   *
   * @throws dev.baichuan4j.ModelFormatException if the file has become shorter, or holds what the
   *     form does not allow
   */
  default Optional<HeldCodes> held() {
    return Optional.empty();
  }

  /**
   * Appends rows of numbers to a little-endian buffer.
   *
   * @param first the first row
   * @param count rows
   * @param type F32, or F16 or BF16, to which numbers are rounded
   * @throws dev.baichuan4j.ModelFormatException if the file has become shorter, or holds what the
   *     form does not allow
   */
  void read(long first, int count, Element type, ByteBuffer target);
}
