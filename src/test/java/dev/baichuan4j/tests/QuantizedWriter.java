package dev.baichuan4j.tests;

import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.tests.QuantizedCheckpoint.Form;
import dev.baichuan4j.tests.QuantizedCheckpoint.Stored;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Quantizes one matrix [N,K] and stores it as a form does. */
final class QuantizedWriter {
  private static final int GROUP = 32;
  private static final int BLOCK = 64; // of 4-bit codes of bitsandbytes
  private static final int OUTER = 16; // blocks that share a scale of their magnitudes
  private static final int[] AWQ_ORDER = {0, 2, 4, 6, 1, 3, 5, 7};

  private final Form form;
  private final float[] weights;
  private final int rows;
  private final int columns;
  private final String module;
  private final Map<String, Stored> out;
  private final float[] numbers; // that codes stand for

  QuantizedWriter(Form form, float[] weights, int rows, String module, Map<String, Stored> out) {
    this.form = form;
    this.weights = weights;
    this.rows = rows;
    this.columns = weights.length / rows;
    this.module = module;
    this.out = out;
    this.numbers = new float[weights.length];
  }

  static int bits(Form form) {
    return switch (form) {
      case GPTQ_2 -> 2;
      case GPTQ_3_V2 -> 3;
      case GPTQ_8_ROW, COMPRESSED_8_ROW, COMPRESSED_BYTES, INT8 -> 8;
      default -> 4;
    };
  }

  /** Adds the tensors, and returns the numbers that they stand for. */
  float[] write() {
    switch (form) {
      case NF4, NF4_NESTED -> blocks();
      case INT8 -> int8();
      default -> affine();
    }
    return numbers;
  }

  private void put(String part, DType type, ByteBuffer bytes, long... shape) {
    out.put(module + "." + part, new Stored(type, shape, bytes.position(0)));
  }

  /** Integers that lie in 32-bit words, the first in the lowest bits. */
  private static ByteBuffer words(int[] integers, int bits) {
    ByteBuffer words = QuantizedCheckpoint.little((integers.length * bits + 31) / 32 * 4);
    for (int i = 0; i < integers.length; i++) {
      for (int b = 0; b < bits; b++) {
        int at = i * bits + b;
        byte old = words.get(at / 8);
        words.put(at / 8, (byte) (old | (integers[i] >>> b & 1) << at % 8));
      }
    }
    return words;
  }

  /** The same of each line, one after the other. */
  private static ByteBuffer lines(int[][] lines, int bits) {
    ByteBuffer all = null;
    for (int[] line : lines) {
      ByteBuffer words = words(line, bits);
      all = all == null ? QuantizedCheckpoint.little(lines.length * words.limit()) : all;
      all.put(words);
    }
    return all;
  }

  /** Lines that are words of their own, turned so that word i of all of them lie side by side. */
  private static ByteBuffer turned(int[][] lines, int bits) {
    ByteBuffer straight = lines(lines, bits).position(0);
    int words = straight.limit() / 4 / lines.length;
    ByteBuffer turned = QuantizedCheckpoint.little(straight.limit());
    for (int word = 0; word < words; word++) {
      for (int line = 0; line < lines.length; line++) {
        turned.putInt(straight.getInt(4 * (line * words + word)));
      }
    }
    return turned;
  }

  private static int[][] transposed(int[][] matrix) {
    int[][] other = new int[matrix[0].length][matrix.length];
    for (int i = 0; i < matrix.length; i++) {
      for (int j = 0; j < matrix[0].length; j++) {
        other[j][i] = matrix[i][j];
      }
    }
    return other;
  }

  /** The power of two that is not below a number. */
  private static float power(float least) {
    return Math.scalb(1, Math.getExponent(Math.max(least, 0x1p-20f)) + 1);
  }

  private void affine() {
    int bits = bits(form);
    boolean row = form == Form.GPTQ_8_ROW || form.isCompressed() && bits == 8;
    int size = row ? columns : GROUP;
    int groups = columns / size;
    int[] groupOf = new int[columns];
    for (int k = 0; k < columns; k++) {
      // 7 has no common divisor with the widths, so that this is a permutation.
      int place = form == Form.GPTQ_4_ACT_ORDER ? (int) (7L * k % columns) : k;
      groupOf[k] = place / size;
    }
    boolean varies = !row && form != Form.COMPRESSED_4;
    int[][] q = new int[rows][columns];
    int[][] z = new int[rows][groups];
    float[][] s = new float[rows][groups];
    int top = (1 << bits) - 1;
    for (int n = 0; n < rows; n++) {
      for (int k = 0; k < columns; k++) {
        float least = 2 * Math.abs(weights[n * columns + k]) / top;
        s[n][groupOf[k]] = Math.max(s[n][groupOf[k]], power(least));
      }
      for (int g = 0; g < groups; g++) {
        z[n][g] = (1 << bits - 1) + (varies ? (n + g) % 2 : 0);
      }
      for (int k = 0; k < columns; k++) {
        int g = groupOf[k];
        int code = Math.round(weights[n * columns + k] / s[n][g]) + z[n][g];
        q[n][k] = Math.max(0, Math.min(top, code));
        numbers[n * columns + k] = (q[n][k] - z[n][g]) * s[n][g];
      }
    }
    if (form.isCompressed()) {
      compressed(q, z, s, bits, varies);
    } else if (form == Form.AWQ) {
      awq(q, z, s);
    } else {
      gptq(q, z, s, bits, groupOf);
    }
  }

  private void gptq(int[][] q, int[][] z, float[][] s, int bits, int[] groupOf) {
    int groups = s[0].length;
    put("qweight", DType.I32, turned(q, bits), columns * bits / 32, rows);
    int[][] stored = transposed(z);
    for (int[] line : stored) {
      for (int n = 0; n < rows; n++) {
        line[n] -= form == Form.GPTQ_3_V2 ? 0 : 1;
      }
    }
    put("qzeros", DType.I32, lines(stored, bits), groups, rows * bits / 32);
    ByteBuffer scales = QuantizedCheckpoint.little(2 * groups * rows);
    for (int g = 0; g < groups; g++) {
      for (int n = 0; n < rows; n++) {
        scales.putShort(f16OfPower(s[n][g]));
      }
    }
    put("scales", DType.F16, scales, groups, rows);
    if (form != Form.GPTQ_2) {
      ByteBuffer order = QuantizedCheckpoint.little(4 * columns);
      for (int group : groupOf) {
        order.putInt(group);
      }
      put("g_idx", DType.I32, order, columns);
    }
  }

  private void awq(int[][] q, int[][] z, float[][] s) {
    int groups = s[0].length;
    put("qweight", DType.I32, lines(interleaved(transposed(q)), 4), columns, rows / 8);
    put("qzeros", DType.I32, lines(interleaved(transposed(z)), 4), groups, rows / 8);
    ByteBuffer scales = QuantizedCheckpoint.little(2 * groups * rows);
    for (int g = 0; g < groups; g++) {
      for (int n = 0; n < rows; n++) {
        scales.putShort(f16OfPower(s[n][g]));
      }
    }
    put("scales", DType.F16, scales, groups, rows);
  }

  private static int[][] interleaved(int[][] lines) {
    int[][] result = new int[lines.length][lines[0].length];
    for (int i = 0; i < lines.length; i++) {
      for (int n = 0; n < lines[0].length; n++) {
        result[i][n] = lines[i][n / 8 * 8 + AWQ_ORDER[n % 8]];
      }
    }
    return result;
  }

  private void compressed(int[][] q, int[][] z, float[][] s, int bits, boolean zeros) {
    int groups = s[0].length;
    if (form == Form.COMPRESSED_BYTES) {
      ByteBuffer bytes = QuantizedCheckpoint.little(rows * columns);
      for (int[] line : q) {
        for (int code : line) {
          bytes.put((byte) (code - 128));
        }
      }
      put("weight", DType.I8, bytes, rows, columns);
    } else {
      put("weight_packed", DType.I32, lines(q, bits), rows, columns * bits / 32);
      ByteBuffer shape = QuantizedCheckpoint.little(16).putLong(rows).putLong(columns);
      put("weight_shape", DType.I64, shape, 2);
    }
    ByteBuffer scales = QuantizedCheckpoint.little(2 * rows * groups);
    for (float[] line : s) {
      for (float scale : line) {
        scales.putShort((short) (Float.floatToRawIntBits(scale) >>> 16));
      }
    }
    put("weight_scale", DType.BF16, scales, rows, groups);
    if (zeros) {
      put("weight_zero_point", DType.I32, turned(transposed(z), bits), rows * bits / 32, groups);
    }
  }

  private static short f16OfPower(float power) {
    return (short) (Math.getExponent(power) + 15 << 10);
  }

  /** Entry i of the code book is (i - 8) / 8; bitsandbytes reads the book of the file. */
  private void blocks() {
    int blocks = weights.length / BLOCK;
    float[] absmax = new float[blocks];
    for (int i = 0; i < weights.length; i++) {
      absmax[i / BLOCK] = Math.max(absmax[i / BLOCK], power(Math.abs(weights[i])));
    }
    boolean nested = form == Form.NF4_NESTED;
    if (nested) {
      nest(absmax);
    }
    ByteBuffer codes = QuantizedCheckpoint.little(weights.length / 2);
    for (int i = 0; i < weights.length; i++) {
      int code = Math.round(weights[i] / absmax[i / BLOCK] * 8) + 8;
      code = Math.max(0, Math.min(15, code));
      numbers[i] = (code - 8) / 8f * absmax[i / BLOCK];
      codes.put(i / 2, (byte) (codes.get(i / 2) | code << (i % 2 == 0 ? 4 : 0)));
    }
    put("weight", DType.U8, codes, weights.length / 2, 1);
    ByteBuffer book = QuantizedCheckpoint.little(64);
    for (int i = 0; i < 16; i++) {
      book.putFloat((i - 8) / 8f);
    }
    put("weight.quant_map", DType.F32, book, 16);
    if (!nested) {
      ByteBuffer values = QuantizedCheckpoint.little(4 * blocks);
      for (float value : absmax) {
        values.putFloat(value);
      }
      put("weight.absmax", DType.F32, values, blocks);
    }
    String state =
        String.format(
            "{\"quant_type\": \"nf4\", \"blocksize\": %d, \"dtype\": \"bfloat16\", \"shape\": [%d,"
                + " %d]%s}",
            BLOCK,
            rows,
            columns,
            nested
                ? ", \"nested_blocksize\": "
                    + OUTER
                    + ", \"nested_dtype\": \"float32\", \"nested_offset\": 0.0"
                : "");
    byte[] text = state.getBytes(StandardCharsets.UTF_8);
    put("weight.quant_state.bitsandbytes__nf4", DType.U8, ByteBuffer.wrap(text), text.length);
  }

  /** Stores magnitudes as codes i that stand for i / 256 of a scale, and replaces them by those. */
  private void nest(float[] absmax) {
    int outer = (absmax.length + OUTER - 1) / OUTER;
    float[] scale = new float[outer];
    for (int b = 0; b < absmax.length; b++) {
      scale[b / OUTER] = Math.max(scale[b / OUTER], 2 * absmax[b]);
    }
    ByteBuffer codes = QuantizedCheckpoint.little(absmax.length);
    for (int b = 0; b < absmax.length; b++) {
      int code = Math.max(16, Math.round(absmax[b] / scale[b / OUTER] * 256));
      codes.put((byte) code);
      absmax[b] = code / 256f * scale[b / OUTER];
    }
    put("weight.absmax", DType.U8, codes, absmax.length);
    ByteBuffer scales = QuantizedCheckpoint.little(4 * outer);
    for (float value : scale) {
      scales.putFloat(value);
    }
    put("weight.nested_absmax", DType.F32, scales, outer);
    ByteBuffer book = QuantizedCheckpoint.little(1024);
    for (int i = 0; i < 256; i++) {
      book.putFloat(i / 256f);
    }
    put("weight.nested_quant_map", DType.F32, book, 256);
  }

  private void int8() {
    ByteBuffer codes = QuantizedCheckpoint.little(weights.length);
    ByteBuffer largest = QuantizedCheckpoint.little(4 * rows);
    for (int n = 0; n < rows; n++) {
      float most = 0x1p-20f;
      for (int k = 0; k < columns; k++) {
        most = Math.max(most, Math.abs(weights[n * columns + k]));
      }
      largest.putFloat(most);
      for (int k = 0; k < columns; k++) {
        int code = Math.round(weights[n * columns + k] / most * 127);
        codes.put((byte) code);
        numbers[n * columns + k] = code * most * 0.007874016f;
      }
    }
    put("weight", DType.I8, codes, rows, columns);
    put("SCB", DType.F32, largest, rows);
    put("weight_format", DType.U8, ByteBuffer.allocate(1));
  }
}
