package dev.baichuan4j.internal.checkpoint;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Reads a tensor that does not lie in its file as ops take it: its rows are in another order, or
 * stored as codes. What is kept between two reads is what the next one is likely to need, and is
 * given up where memory is short.
 */
public interface StoredRows {
  /** Returns what the file calls the way in which numbers are stored. */
  String kind();

  /** Returns whether numbers are codes, which may be read as F32 and not as the entry's type. */
  boolean isCoded();

  /**
   * Returns whether numbers are sums of stored numbers that no codes are among: read as F32 they
   * have more bits than the entry's type, to which they are rounded where they are not quantized.
   */
  default boolean isSum() {
    return false;
  }

  /** Returns what reads the codes themselves, where a device can multiply them as they are. */
  default Optional<StoredCodes> codes() {
    return Optional.empty();
  }

  /**
   * Appends rows to a little-endian buffer.
   *
   * @param first the first row; a vector has a row for each number
   * @param count rows
   * @param wide codes are read as F32, otherwise as the entry's type
   * @throws dev.baichuan4j.ModelFormatException if the file has become shorter
   */
  void read(long first, int count, boolean wide, ByteBuffer target);
}
