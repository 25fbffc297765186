package dev.baichuan4j.tests;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes a GGUF file of version 3. */
final class GgufWriter {
  /** Types of tensors. */
  enum Kind {
    F32(0),
    Q8_0(8),
    BF16(30),
    /** BF16 of the numbers that Q8_0 keeps, which have 7 bits. */
    BF16_OF_Q8_0(30);

    final int id;

    Kind(int id) {
      this.id = id;
    }
  }

  private static final int ALIGNMENT = 32;
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  private final Bytes keys = new Bytes();
  private final Bytes table = new Bytes();
  private final List<byte[]> data = new ArrayList<>();
  private long count;
  private long offset;

  void put(String key, int value) {
    key(key, UINT32).int32(value);
  }

  void put(String key, float value) {
    key(key, FLOAT32).float32(value);
  }

  void put(String key, boolean value) {
    key(key, BOOL).write(value ? 1 : 0);
  }

  void put(String key, String value) {
    key(key, STRING).text(value);
  }

  void putTexts(String key, List<String> values) {
    key(key, ARRAY).int32(STRING).int64(values.size());
    values.forEach(keys::text);
  }

  void putFloats(String key, List<Float> values) {
    key(key, ARRAY).int32(FLOAT32).int64(values.size());
    values.forEach(keys::float32);
  }

  void putInts(String key, List<Integer> values) {
    key(key, ARRAY).int32(INT32).int64(values.size());
    values.forEach(keys::int32);
  }

  private Bytes key(String key, int type) {
    count++;
    return keys.text(key).int32(type);
  }

  /** Adds a tensor; its sizes are the innermost first. */
  void tensor(String name, float[] values, Kind kind, long... sizes) {
    table.text(name).int32(sizes.length);
    for (long size : sizes) {
      table.int64(size);
    }
    table.int32(kind.id).int64(offset);
    byte[] bytes =
        switch (kind) {
          case F32 -> f32(values);
          case BF16 -> bf16(values);
          case Q8_0 -> q8(values);
          case BF16_OF_Q8_0 -> bf16(rounded(values));
        };
    data.add(bytes);
    offset += padded(bytes.length);
  }

  private static byte[] f32(float[] values) {
    Bytes out = new Bytes();
    for (float value : values) {
      out.float32(value);
    }
    return out.toByteArray();
  }

  private static byte[] bf16(float[] values) {
    Bytes out = new Bytes();
    for (float value : values) {
      out.int16(Float.floatToRawIntBits(value) >>> 16);
    }
    return out.toByteArray();
  }

  private static byte[] q8(float[] values) {
    Bytes out = new Bytes();
    for (int at = 0; at < values.length; at += 32) {
      int exponent = exponent(values, at);
      out.int16((exponent + 15) << 10); // f16
      for (int j = 0; j < 32; j++) {
        out.write(Math.round(Math.scalb(values[at + j], -exponent)));
      }
    }
    return out.toByteArray();
  }

  private static float[] rounded(float[] values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      int exponent = exponent(values, i / 32 * 32);
      rounded[i] = Math.scalb((float) Math.round(Math.scalb(values[i], -exponent)), exponent);
    }
    return rounded;
  }

  /** A block's scale is the least power of two, of normal f16, that lets codes have 7 bits. */
  private static int exponent(float[] values, int at) {
    float largest = 0;
    for (int j = 0; j < 32; j++) {
      largest = Math.max(largest, Math.abs(values[at + j]));
    }
    return Math.max(Math.getExponent(largest / 127) + 1, -14);
  }

  private static long padded(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  void write(Path file) throws IOException {
    Bytes head = new Bytes();
    head.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    head.int32(3).int64(data.size()).int64(count);
    head.writeBytes(keys.toByteArray());
    head.writeBytes(table.toByteArray());
    try (OutputStream out = Files.newOutputStream(file)) {
      writePadded(out, head.toByteArray());
      for (byte[] bytes : data) {
        writePadded(out, bytes);
      }
    }
  }

  private static void writePadded(OutputStream out, byte[] bytes) throws IOException {
    out.write(bytes);
    out.write(new byte[(int) (padded(bytes.length) - bytes.length)]);
  }

  private static final class Bytes extends ByteArrayOutputStream {
    private Bytes number(int size, long value) {
      byte[] all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
      write(all, 0, size);
      return this;
    }

    Bytes int16(int value) {
      return number(2, value);
    }

    Bytes int32(int value) {
      return number(4, value);
    }

    Bytes int64(long value) {
      return number(8, value);
    }

    Bytes float32(float value) {
      return int32(Float.floatToRawIntBits(value));
    }

    Bytes text(String value) {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      int64(bytes.length).writeBytes(bytes);
      return this;
    }
  }
}
