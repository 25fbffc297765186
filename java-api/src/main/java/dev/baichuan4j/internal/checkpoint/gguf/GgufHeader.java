package dev.baichuan4j.internal.checkpoint.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes the header of a GGUF file of version 3: keys with their values, and the table of tensors,
 * whose data follow in its order at multiples of 32.
 */
public final class GgufHeader {
  private static final int ALIGNMENT = 32;
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;
  private static final int INT8 = 1;

  private final Bytes keys = new Bytes();
  private final Bytes table = new Bytes();
  private final List<Long> offsets = new ArrayList<>();
  private final List<Long> lengths = new ArrayList<>();
  private long count;
  private long end;

  public GgufHeader put(String key, int value) {
    key(key, UINT32).int32(value);
    return this;
  }

  public GgufHeader put(String key, float value) {
    key(key, FLOAT32).float32(value);
    return this;
  }

  public GgufHeader put(String key, boolean value) {
    key(key, BOOL).write(value ? 1 : 0);
    return this;
  }

  public GgufHeader put(String key, String value) {
    key(key, STRING).text(value);
    return this;
  }

  public GgufHeader putTexts(String key, List<String> values) {
    key(key, ARRAY).int32(STRING).int64(values.size());
    values.forEach(keys::text);
    return this;
  }

  public GgufHeader putFloats(String key, List<Float> values) {
    key(key, ARRAY).int32(FLOAT32).int64(values.size());
    values.forEach(keys::float32);
    return this;
  }

  public GgufHeader putInts(String key, List<Integer> values) {
    key(key, ARRAY).int32(INT32).int64(values.size());
    values.forEach(keys::int32);
    return this;
  }

  public GgufHeader putBytes(String key, byte[] values) {
    key(key, ARRAY).int32(INT8).int64(values.length).writeBytes(values);
    return this;
  }

  private Bytes key(String key, int type) {
    count++;
    return keys.text(key).int32(type);
  }

  /**
   * Adds a tensor behind those that are there.
   *
   * @param shape the sizes, outermost first; the last one a multiple of the kind's block
   */
  public GgufHeader tensor(String name, GgufKind kind, long... shape) {
    table.text(name).int32(shape.length);
    long elements = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      table.int64(shape[i]);
      elements = Math.multiplyExact(elements, shape[i]);
    }
    long bytes = Math.multiplyExact(elements / kind.blockSize(), kind.blockBytes());
    table.int32(kind.id()).int64(end);
    offsets.add(end);
    lengths.add(bytes);
    end = padded(end + bytes);
    return this;
  }

  /** Returns where the data of a tensor begin, from the end of the header on. */
  public long offset(int tensor) {
    return offsets.get(tensor);
  }

  /** Returns the bytes of a tensor's data. */
  public long bytes(int tensor) {
    return lengths.get(tensor);
  }

  /** Returns the bytes of all data with what lies between. */
  public long end() {
    return end;
  }

  /** Returns the header. */
  public ByteBuffer bytes() {
    Bytes head = new Bytes();
    head.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    head.int32(3).int64(offsets.size()).int64(count);
    head.writeBytes(keys.toByteArray());
    head.writeBytes(table.toByteArray());
    head.writeBytes(new byte[(int) (padded(head.size()) - head.size())]);
    return ByteBuffer.wrap(head.toByteArray());
  }

  private static long padded(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private static final class Bytes extends ByteArrayOutputStream {
    private Bytes number(int size, long value) {
      byte[] all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
      write(all, 0, size);
      return this;
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
