package dev.baichuan4j.internal.checkpoint.quantized;

import java.nio.ByteBuffer;

/** A matrix of integers from 0 to 255: codes, or zeros of groups. */
interface Integers {
  /** Returns the tensor that they are stored in. */
  RawTensor tensor();

  /**
   * Reads rows.
   *
   * @param out takes {@code count} rows of all columns
   */
  void read(long first, int count, byte[] out);

  /**
   * Signed bytes, which are stored as they are.
   *
   * @param tensor I8, a row for each row
   * @param bits of the integers: they are from -2^(bits-1) to 2^(bits-1) - 1, to which 2^(bits-1)
   *     is added
   */
  record Signed(RawTensor tensor, int bits) implements Integers {
    @Override
    public void read(long first, int count, byte[] out) {
      int half = 1 << bits - 1;
      ByteBuffer bytes = tensor.rows(first, count);
      for (int i = 0; bytes.hasRemaining(); i++) {
        int value = bytes.get() + half;
        if (value < 0 || value >= 2 * half) {
          throw tensor.wrong("integers of " + bits + " bits", Integer.toString(value - half));
        }
        out[i] = (byte) value;
      }
    }
  }
}
