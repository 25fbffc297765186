package dev.baichuan4j.internal.checkpoint.quantized;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A matrix [N,K] of 4-bit codes of bitsandbytes: a number is an entry of a code book (NF4, FP4)
 * times the largest magnitude of its block, in f32, rounded to the type that the matrix was
 * quantized from. Blocks run along the rows one after the other; the first code of a byte is in its
 * upper half. Largest magnitudes may be quantized themselves, "double quantization".
 *
 * <p>Source: bitsandbytes/backends/default/ops.py (dequantize_4bit) and functional.py
 * (dequantize_4bit, QuantState) of github.com/bitsandbytes-foundation/bitsandbytes.
 *
 * @param kind the name of the code book
 * @param columns K
 * @param codes bytes of two codes, in any type of elements
 * @param book F32 [16], what a code stands for
 * @param absmax the largest magnitude of each block
 * @param blockSize codes of a block
 * @param numbers the type that it was quantized from
 */
record CodebookMatrix(
    String kind,
    int columns,
    RawTensor codes,
    RawTensor book,
    Absmax absmax,
    int blockSize,
    Element numbers)
    implements QuantizedMatrix {

  /**
   * Largest magnitudes of blocks.
   *
   * @param values F32, or U8 where there is a nested state
   * @param nested how they are quantized, if they are
   */
  record Absmax(RawTensor values, Optional<Nested> nested) {
    float[] read(long first, int count) {
      ByteBuffer stored = values.range(first, count);
      return nested.isPresent() ? nested.get().numbers(stored, first) : Element.F32.numbers(stored);
    }
  }

  /**
   * How largest magnitudes are quantized: {@code book[code] * scale of the block + offset}, the
   * product and the sum rounded in f32.
   *
   * @param book F32 [256]
   * @param scales F32, one for each block
   * @param blockSize codes of a block
   * @param offset what all have less
   * @param offsetTensor what it was read from, where it is a tensor
   */
  record Nested(
      RawTensor book,
      RawTensor scales,
      int blockSize,
      float offset,
      Optional<RawTensor> offsetTensor) {
    float[] numbers(ByteBuffer stored, long first) {
      float[] values = Element.F32.numbers(book.read());
      long firstBlock = first / blockSize;
      long lastBlock = (first + stored.remaining() - 1) / blockSize;
      float[] scale = Element.F32.numbers(scales.range(firstBlock, lastBlock - firstBlock + 1));
      float[] numbers = new float[stored.remaining()];
      for (int i = 0; i < numbers.length; i++) {
        float product =
            values[stored.get() & 0xff] * scale[(int) ((first + i) / blockSize - firstBlock)];
        numbers[i] = product + offset;
      }
      return numbers;
    }
  }

  @Override
  public int bits() {
    return 4;
  }

  @Override
  public List<RawTensor> parts() {
    List<RawTensor> parts = new ArrayList<>(List.of(codes, book, absmax.values));
    absmax.nested.ifPresent(
        nested -> {
          parts.add(nested.book);
          parts.add(nested.scales);
          nested.offsetTensor.ifPresent(parts::add);
        });
    return parts;
  }

  @Override
  public void read(long first, int count, Element type, ByteBuffer target) {
    long begin = first * columns; // the first number
    long end = begin + (long) count * columns;
    long firstByte = begin / 2;
    int size = codes.type().size();
    // Codes may be stored in elements of several bytes, so whole elements are read.
    long firstElement = firstByte / size;
    ByteBuffer bytes = codes.range(firstElement, ((end + 1) / 2 + size - 1) / size - firstElement);
    float[] values = Element.F32.numbers(book.read());
    long firstBlock = begin / blockSize;
    float[] largest = absmax.read(firstBlock, (int) ((end - 1) / blockSize - firstBlock + 1));
    int shift = (int) (begin - 2 * firstElement * size); // codes that are read in front
    float[] row = new float[columns];
    float[] table = new float[16]; // what codes of a block stand for
    long tableOf = -1;
    for (int n = 0; n < count; n++) {
      for (int k = 0; k < columns; ) {
        long number = begin + (long) n * columns + k;
        long block = number / blockSize;
        if (block != tableOf) {
          fill(table, values, largest[(int) (block - firstBlock)]);
          tableOf = block;
        }
        int stop = (int) Math.min(columns, k + (block + 1) * blockSize - number);
        for (int code = shift + n * columns + k; k < stop; k++, code++) {
          row[k] = table[bytes.get(code >> 1) >> ((code & 1) == 0 ? 4 : 0) & 15];
        }
      }
      type.put(row, target);
    }
  }

  private void fill(float[] table, float[] values, float largest) {
    for (int code = 0; code < table.length; code++) {
      table[code] = values[code] * largest;
    }
    numbers.round(table);
  }
}
