package dev.baichuan4j.internal.checkpoint.quantized;

import java.nio.ByteBuffer;

/**
 * The codes of a matrix [N,K] as a file has them, for a device that multiplies codes: a number is s
 * (q - z), with a scale s and a zero z for each group of columns that lie side by side.
 */
public interface HeldCodes {
  /** Returns the columns that share a scale; K is a multiple of it. At most 128. */
  int group();

  /** Returns whether groups have zeros; where they have none, z is 2^(bits-1). */
  boolean hasZeros();

  /**
   * Appends codes and what their groups have, to little-endian buffers with room for them.
   *
   * @param first the first row
   * @param count rows
   * @param codes takes a byte for each code, {@code count * K}, row after row
   * @param scales takes s in f16 for each group, {@code count * K / group}, row after row
   * @param zeros takes z in f16 for each group, likewise; nothing where there are none
   * @throws dev.baichuan4j.ModelFormatException if the file has become shorter
   */
  void read(long first, int count, ByteBuffer codes, ByteBuffer scales, ByteBuffer zeros);
}
