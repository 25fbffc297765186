package dev.baichuan4j.internal.checkpoint.quantized;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * A matrix [R,C] of integers of b bits that are packed into 32-bit words without gaps, the first
 * one in the lowest bits. Those of 3 bits lie across words: ten are in a word, one is in both, ten,
 * one, ten, so that 32 of them take 3 words.
 *
 * @param tensor of I32
 * @param bits b of an integer
 * @param columns C
 * @param layout which way they are packed
 * @param plusOne whether stored integers are one too small
 * @param strips what reads columns of the tensor
 */
record PackedIntegers(
    RawTensor tensor, int bits, int columns, Layout layout, boolean plusOne, Strips strips)
    implements Integers {

  /** The rows of the eight integers of a word of AWQ's, from the lowest bits on. */
  private static final int[] INTERLEAVED = {0, 2, 4, 6, 1, 3, 5, 7};

  /** Which integers share words, and how words are stored. */
  enum Layout {
    /** Integers of a row: [R, C b / 32]. */
    ROWS(false, false),
    /** Integers of a row, words of a column one after the other: [C b / 32, R]. */
    ROWS_TRANSPOSED(false, true),
    /** Integers of a column: [R b / 32, C]. */
    COLUMNS(true, false),
    /** Integers of a column, those words one after the other: [C, R b / 32]. */
    COLUMNS_TRANSPOSED(true, true),
    /** The same, with integers of 4 bits that are interleaved. */
    COLUMNS_INTERLEAVED(true, true);

    private final boolean alongColumn;
    private final boolean transposed;

    Layout(boolean alongColumn, boolean transposed) {
      this.alongColumn = alongColumn;
      this.transposed = transposed;
    }

    /**
     * Returns the shape of the words of a matrix, or empty where a transposed one does not fill
     * them.
     */
    Optional<long[]> shape(long rows, long columns, int bits) {
      long packed = (alongColumn ? rows : columns) * bits;
      if (transposed && packed % Integer.SIZE != 0) {
        return Optional.empty();
      }
      long words = (packed + Integer.SIZE - 1) / Integer.SIZE;
      long other = alongColumn ? columns : rows;
      return Optional.of(
          alongColumn == transposed ? new long[] {other, words} : new long[] {words, other});
    }
  }

  @Override
  public void read(long first, int count, byte[] out) {
    long begin = layout.alongColumn ? first * bits / Integer.SIZE : 0;
    long end =
        layout.alongColumn
            ? ((first + count) * bits + Integer.SIZE - 1) / Integer.SIZE
            : tensor.shape()[layout.transposed ? 0 : 1];
    int words = (int) (end - begin); // that each line of integers has
    int[] block;
    if (layout.alongColumn) {
      block = layout.transposed ? strips.columns(tensor, begin, words) : rows(begin, words);
    } else {
      block = layout.transposed ? strips.columns(tensor, first, count) : rows(first, count);
    }
    addOne(block);
    boolean wordsApart = layout.alongColumn != layout.transposed;
    int lines = layout.alongColumn ? columns : count;
    int wordStride = wordsApart ? lines : 1;
    int lineStride = wordsApart ? 1 : words;
    if (layout == Layout.COLUMNS_INTERLEAVED) {
      unpackInterleaved(block, (int) first & 7, words, count, out);
    } else if (layout.alongColumn) {
      int bit = (int) (first * bits - begin * Integer.SIZE);
      for (int row = 0; row < count; row++, bit += bits) {
        unpackAcross(block, bit, wordStride, lineStride, out, row * columns);
      }
    } else {
      for (int row = 0; row < count; row++) {
        unpackAlong(block, row * lineStride, wordStride, out, row * columns);
      }
    }
  }

  private int[] rows(long first, long count) {
    ByteBuffer bytes = tensor.rows(first, count);
    int[] words = new int[bytes.remaining() / Integer.BYTES];
    bytes.asIntBuffer().get(words);
    return words;
  }

  /**
   * Adds one to each integer of whole words. GPTQModel subtracts so too, with a borrow from the
   * next integer where one is 0 (utils/model.py, convert_gptq_v2_to_v1_format_module), and so words
   * are added here; those of 3 bits it shifts one by one.
   */
  private void addOne(int[] block) {
    if (plusOne && bits != 3) {
      int ones = Integer.divideUnsigned(-1, (1 << bits) - 1);
      Arrays.setAll(block, i -> block[i] + ones);
    }
  }

  /** Unpacks a row whose integers follow each other in words. */
  private void unpackAlong(int[] block, int first, int wordStride, byte[] out, int to) {
    int mask = (1 << bits) - 1;
    int at = first;
    int end = to + columns;
    if (Integer.SIZE % bits == 0) {
      for (int next = to; next < end; at += wordStride) {
        int word = block[at];
        for (int stop = Math.min(next + Integer.SIZE / bits, end); next < stop; next++) {
          out[next] = (byte) (word & mask);
          word >>>= bits;
        }
      }
      return;
    }
    long held = 0; // bits that have been taken from words
    int count = 0;
    for (int next = to; next < end; next++) {
      if (count < bits) {
        held |= (block[at] & 0xffffffffL) << count;
        count += Integer.SIZE;
        at += wordStride;
      }
      out[next] = (byte) (held + plus() & mask);
      held >>>= bits;
      count -= bits;
    }
  }

  /** Unpacks a row of integers that begin at the same bit of the words of each column. */
  private void unpackAcross(
      int[] block, int bit, int wordStride, int lineStride, byte[] out, int to) {
    int mask = (1 << bits) - 1;
    int shift = bit & 31;
    int first = (bit >>> 5) * wordStride;
    int over = shift + bits - Integer.SIZE;
    int more = plus();
    for (int column = 0; column < columns; column++) {
      int at = column * lineStride + first;
      int value = block[at] >>> shift;
      if (over > 0) {
        value |= block[at + wordStride] << bits - over;
      }
      out[to + column] = (byte) (value + more & mask);
    }
  }

  /**
   * Unpacks words of eight rows each.
   *
   * @param skipped rows of the first word that are not asked for
   * @param words of each column
   */
  private void unpackInterleaved(int[] block, int skipped, int words, int count, byte[] out) {
    for (int word = 0; word < words; word++) {
      int first = 8 * word - skipped;
      for (int column = 0; column < columns; column++) {
        int eight = block[column * words + word];
        for (int place = 0; place < 8; place++) {
          int row = first + INTERLEAVED[place];
          if (row >= 0 && row < count) {
            out[row * columns + column] = (byte) (eight >>> 4 * place & 15);
          }
        }
      }
    }
  }

  /** What is added to each integer rather than to whole words. */
  private int plus() {
    return plusOne && bits == 3 ? 1 : 0;
  }
}
