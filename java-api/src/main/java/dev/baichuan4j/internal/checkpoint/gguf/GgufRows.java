package dev.baichuan4j.internal.checkpoint.gguf;

import dev.baichuan4j.internal.files.FileBytes;
import java.nio.ByteBuffer;

/**
 * Reads rows of a matrix, or numbers of a vector, in the order in which they are used here.
 *
 * @param tensor of one or two dimensions
 * @param turnedHead rows of a head whose pairs lie side by side as llama.cpp turns them, rows 2k
 *     and 2k + 1; here rows k and k + half a head are a pair. 0 where rows lie as they are used
 */
public record GgufRows(GgufTensor tensor, int turnedHead) {

  /** Returns the numbers of a row; a vector is a matrix of one column where it is reordered. */
  public int columns() {
    return isVector() ? 1 : (int) tensor.columns();
  }

  private boolean isVector() {
    return tensor.shape().length == 1;
  }

  /**
   * Appends rows to a little-endian buffer: numbers that are stored one by one as they are stored,
   * others in f32, or rounded to bf16.
   *
   * @param first the first row
   * @param count rows
   * @param bf16 whether codes become bf16
   * @throws dev.baichuan4j.ModelFormatException if the file has become shorter
   */
  public void read(long first, int count, boolean bf16, ByteBuffer target) {
    float[] numbers = tensor.kind().isPlain() ? null : new float[columns()];
    forEach(
        first,
        count,
        (stored, at) -> {
          if (numbers == null) {
            target.put(stored, at, rowBytes());
          } else {
            tensor.kind().decode(stored, at, numbers, numbers.length);
            put(numbers, bf16, target);
          }
        });
  }

  /**
   * Appends the codes of rows of a matrix, and what their groups have, to little-endian buffers.
   *
   * @param first the first row
   * @param count rows
   * @param codes takes a byte for each number
   * @param scales takes d in f16 for each group
   * @param least takes m in f16 for each group, where the kind has one
   * @throws dev.baichuan4j.ModelFormatException if the file has become shorter
   */
  public void readCodes(
      long first, int count, ByteBuffer codes, ByteBuffer scales, ByteBuffer least) {
    GgufKind kind = tensor.kind();
    BlockCodes.Reader reader = kind.codes().orElseThrow().reader();
    forEach(
        first,
        count,
        (stored, at) -> {
          for (int block = at; block < at + rowBytes(); block += kind.blockBytes()) {
            reader.read(stored, block, codes, scales, least);
          }
        });
  }

  /** Takes the bytes of a row from {@code at} on. */
  private interface RowReader {
    void read(byte[] stored, int at);
  }

  private int rowBytes() {
    return isVector() ? tensor.kind().blockBytes() : (int) tensor.rowBytes();
  }

  private void forEach(long first, int count, RowReader reader) {
    // A row of a turned head may lie anywhere in it, so whole heads are read.
    long begin = turnedHead == 0 ? first : first / turnedHead * turnedHead;
    long end = first + count;
    if (turnedHead != 0) {
      end = (end + turnedHead - 1) / turnedHead * turnedHead;
    }
    int rowBytes = rowBytes();
    byte[] stored;
    try (FileBytes file = FileBytes.open(tensor.file())) {
      stored =
          file.read(tensor.offset() + begin * rowBytes, (end - begin) * rowBytes, tensor.name())
              .array();
    }
    for (long row = first; row < first + count; row++) {
      reader.read(stored, (int) (storedRow(row) - begin) * rowBytes);
    }
  }

  private long storedRow(long row) {
    if (turnedHead == 0) {
      return row;
    }
    int half = turnedHead / 2;
    int within = (int) (row % turnedHead);
    return row - within + within % half * 2 + within / half;
  }

  private static void put(float[] numbers, boolean bf16, ByteBuffer target) {
    if (bf16) {
      for (float number : numbers) {
        target.putShort(Float16.toBf16(number));
      }
    } else {
      target.asFloatBuffer().put(numbers);
      target.position(target.position() + 4 * numbers.length);
    }
  }
}
