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

  /** Where in a word of eight integers AWQ puts them: 0 2 4 6 1 3 5 7 from the lowest bits on. */
  private static final int[] INTERLEAVED = {0, 4, 1, 5, 2, 6, 3, 7};

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
    int lines = layout.alongColumn ? columns : count;
    boolean wordsApart = layout.alongColumn != layout.transposed;
    unpack(block, wordsApart ? lines : 1, wordsApart ? 1 : words, first * bits, begin, count, out);
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

  private void unpack(
      int[] block,
      int wordStride,
      int lineStride,
      long firstBit,
      long begin,
      int count,
      byte[] out) {
    int mask = (1 << bits) - 1;
    int more = plusOne && bits == 3 ? 1 : 0;
    int start = (int) (layout.alongColumn ? firstBit - begin * Integer.SIZE : 0);
    for (int row = 0; row < count; row++) {
      for (int column = 0; column < columns; column++) {
        int place = layout.alongColumn ? row : column;
        int line = layout.alongColumn ? column : row;
        int bit = start + place * bits;
        if (layout == Layout.COLUMNS_INTERLEAVED) {
          bit = bit & -Integer.SIZE | INTERLEAVED[bit / bits & 7] * bits;
        }
        int at = line * lineStride + (bit >>> 5) * wordStride;
        int value = block[at] >>> bit;
        int over = (bit & 31) + bits - Integer.SIZE;
        if (over > 0) {
          value |= block[at + wordStride] << bits - over;
        }
        out[row * columns + column] = (byte) (value + more & mask);
      }
    }
  }
}
