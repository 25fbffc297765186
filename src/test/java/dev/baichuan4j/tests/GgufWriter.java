package dev.baichuan4j.tests;

import dev.baichuan4j.internal.checkpoint.gguf.GgufHeader;
import dev.baichuan4j.internal.checkpoint.gguf.GgufKind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/** Writes a GGUF file of version 3. */
final class GgufWriter {
  /** Types of tensors. */
  enum Kind {
    F32(GgufKind.F32),
    Q8_0(GgufKind.Q8_0),
    BF16(GgufKind.BF16),
    /** BF16 of the numbers that Q8_0 keeps, which have 7 bits. */
    BF16_OF_Q8_0(GgufKind.BF16);

    final GgufKind stored;

    Kind(GgufKind stored) {
      this.stored = stored;
    }
  }

  /** A tensor; its sizes are the outermost first. */
  private record Stored(String name, GgufKind kind, long[] shape, byte[] bytes) {}

  private final List<Consumer<GgufHeader>> keys = new ArrayList<>();
  private final List<Stored> tensors = new ArrayList<>();

  void put(String key, int value) {
    keys.add(header -> header.put(key, value));
  }

  void put(String key, float value) {
    keys.add(header -> header.put(key, value));
  }

  void put(String key, boolean value) {
    keys.add(header -> header.put(key, value));
  }

  void put(String key, String value) {
    keys.add(header -> header.put(key, value));
  }

  void putTexts(String key, List<String> values) {
    keys.add(header -> header.putTexts(key, values));
  }

  void putFloats(String key, List<Float> values) {
    keys.add(header -> header.putFloats(key, values));
  }

  void putInts(String key, List<Integer> values) {
    keys.add(header -> header.putInts(key, values));
  }

  /** Adds a tensor; its sizes are the innermost first. */
  void tensor(String name, float[] values, Kind kind, long... sizes) {
    long[] shape = new long[sizes.length];
    for (int i = 0; i < sizes.length; i++) {
      shape[i] = sizes[sizes.length - 1 - i];
    }
    byte[] bytes =
        switch (kind) {
          case F32 -> f32(values);
          case BF16 -> bf16(values);
          case Q8_0 -> q8(values);
          case BF16_OF_Q8_0 -> bf16(rounded(values));
        };
    tensors.add(new Stored(name, kind.stored, shape, bytes));
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

  /**
   * Adds a matrix of random blocks of a kind, whose scales are positive and below 1/8: no byte has
   * another of its upper bits than that of 32.
   *
   * @param sizes the innermost first
   */
  void random(String name, GgufKind kind, long seed, long... sizes) {
    byte[] bytes =
        new byte[Math.toIntExact(sizes[0] * sizes[1] / kind.blockSize()) * kind.blockBytes()];
    new Random(seed).nextBytes(bytes);
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] &= 0x2f;
    }
    tensors.add(new Stored(name, kind, new long[] {sizes[1], sizes[0]}, bytes));
  }

  void write(Path file) throws IOException {
    GgufHeader header = new GgufHeader();
    keys.forEach(key -> key.accept(header));
    write(file, header, tensors);
  }

  /** Writes several files, as llama.cpp's gguf-split does: the first has the keys. */
  void writeParts(Path folder, String prefix, int count) throws IOException {
    int each = (tensors.size() + count - 1) / count;
    for (int part = 0; part < count; part++) {
      GgufHeader header = new GgufHeader();
      if (part == 0) {
        keys.forEach(key -> key.accept(header));
      }
      header.put("split.no", part).put("split.count", count);
      header.put("split.tensors.count", tensors.size());
      Path file = folder.resolve("%s-%05d-of-%05d.gguf".formatted(prefix, part + 1, count));
      int end = Math.min((part + 1) * each, tensors.size());
      write(file, header, tensors.subList(Math.min(part * each, end), end));
    }
  }

  private static void write(Path file, GgufHeader header, List<Stored> tensors) throws IOException {
    tensors.forEach(tensor -> header.tensor(tensor.name, tensor.kind, tensor.shape));
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(header.bytes().array());
      long at = 0;
      for (int i = 0; i < tensors.size(); i++) {
        byte[] bytes = tensors.get(i).bytes;
        out.write(new byte[(int) (header.offset(i) - at)]);
        out.write(bytes);
        at = header.offset(i) + bytes.length;
      }
      out.write(new byte[(int) (header.end() - at)]);
    }
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

    Bytes float32(float value) {
      return int32(Float.floatToRawIntBits(value));
    }
  }
}
