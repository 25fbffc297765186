package dev.baichuan4j.internal.checkpoint;

import java.nio.ByteBuffer;

/**
 * Reads a matrix [N,K] that a file stores as codes, which are kept as they are: a device multiplies
 * the codes that the file has. K is a multiple of the group.
 */
public interface StoredCodes {
  /** Returns how codes stand for numbers. */
  CodeFormat format();

  /**
   * Appends the codes of rows, and what their groups have, to little-endian buffers with room for
   * them.
   *
   * @param first the first row
   * @param count rows
   * @param codes takes a byte for each code, {@code count * K}, row after row
   * @param scales takes s in f16 for each group, {@code count * K / group}, row after row
   * @param zeros takes z or m in f16 for each group, likewise; nothing is appended where the form
   *     has none
   * @throws dev.baichuan4j.ModelFormatException if the file has become shorter, or holds what the
   *     format cannot
   */
  void read(long first, int count, ByteBuffer codes, ByteBuffer scales, ByteBuffer zeros);
}
