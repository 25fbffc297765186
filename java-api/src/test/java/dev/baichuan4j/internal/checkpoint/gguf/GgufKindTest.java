package dev.baichuan4j.internal.checkpoint.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random blocks against what llama.cpp reads from them; tools/gguf-goldens/make.py made them. */
class GgufKindTest {

  private static byte[] golden(GgufKind kind) throws IOException {
    try (InputStream file = GgufKindTest.class.getResourceAsStream("goldens/" + kind + ".bin")) {
      return file.readAllBytes();
    }
  }

  @ParameterizedTest
  @EnumSource
  void numbersHaveTheBitsOfLlamaCpp(GgufKind kind) throws IOException {
    byte[] golden = golden(kind);
    int blocks = golden.length / (kind.blockBytes() + 4 * kind.blockSize());
    int count = blocks * kind.blockSize();
    assertEquals(1024, count);
    int[] expected = new int[count];
    int stored = blocks * kind.blockBytes();
    ByteBuffer.wrap(golden, stored, 4 * count)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asIntBuffer()
        .get(expected);
    float[] decoded = new float[count];
    kind.decode(golden, 0, decoded, count);
    int[] actual = new int[count];
    for (int i = 0; i < count; i++) {
      actual[i] = Float.floatToRawIntBits(decoded[i]);
    }
    assertArrayEquals(expected, actual);
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_1"})
  void blocksHaveTheBytesOfLlamaCpp(GgufKind kind) throws IOException {
    byte[] golden;
    try (InputStream file =
        GgufKindTest.class.getResourceAsStream("goldens/" + kind + "-encoded.bin")) {
      golden = file.readAllBytes();
    }
    int count = golden.length / (4 * kind.blockSize() + kind.blockBytes()) * kind.blockSize();
    assertEquals(1024, count);
    float[] numbers = new float[count];
    ByteBuffer.wrap(golden).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(numbers);
    ByteBuffer out = ByteBuffer.allocate(golden.length - 4 * count).order(ByteOrder.LITTLE_ENDIAN);
    BlockEncoder.encode(kind, numbers, 0, count, out);
    byte[] expected = Arrays.copyOfRange(golden, 4 * count, golden.length);
    assertArrayEquals(expected, out.array());
    float[] held = new float[count];
    kind.decode(expected, 0, held, count);
    assertArrayEquals(held, numbers);
  }

  /** What the codes of a kind are for: exactly its numbers, but for scales that are products. */
  @ParameterizedTest
  @EnumSource(
      value = GgufKind.class,
      names = {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL", "Q4_K", "Q5_K"})
  void codesStandForTheNumbers(GgufKind kind) throws IOException {
    int count = 1024;
    byte[] blocks = golden(kind);
    float[] numbers = new float[count];
    kind.decode(blocks, 0, numbers, count);
    BlockCodes codes = kind.codes().orElseThrow();
    ByteBuffer q = buffer(count);
    ByteBuffer d = buffer(count / BlockCodes.GROUP * 2);
    ByteBuffer m = buffer(count / BlockCodes.GROUP * 2);
    for (int block = 0; block < count / kind.blockSize(); block++) {
      codes.reader().read(blocks, block * kind.blockBytes(), q, d, m);
    }
    assertEquals(count, q.position());
    assertEquals(count / BlockCodes.GROUP * 2, d.position());
    assertEquals(codes.hasLeast() ? d.position() : 0, m.position());
    boolean product = kind.blockSize() != BlockCodes.GROUP;
    int compared = 0;
    for (int i = 0; i < count; i++) {
      int code = q.get(i) & 0xff;
      assertTrue(code < 1 << codes.bits(), kind + " " + code);
      float scale = Float16.ofF16(d.getShort(i / BlockCodes.GROUP * 2));
      float least = codes.hasLeast() ? Float16.ofF16(m.getShort(i / BlockCodes.GROUP * 2)) : 0;
      float number =
          codes.hasLeast() ? scale * code + least : scale * (code - (1 << codes.bits() - 1));
      if (product && Float.isFinite(scale) && Float.isFinite(least)) {
        double allowed = 0x1p-11 * (Math.abs(scale * code) + Math.abs(least)) + 0x1p-18;
        assertEquals(numbers[i], number, allowed, kind + " number " + i);
        compared++;
      } else if (!product) {
        assertEquals(numbers[i], number, kind + " number " + i);
        compared++;
      }
    }
    assertTrue(compared > count / 2, kind + ": most scales are finite");
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Test
  void floatsAreRoundedToTheNearestF16() {
    for (int bits = 0; bits < 0x7c00; bits++) {
      float value = Float16.ofF16((short) bits);
      float next = Float16.ofF16((short) (bits + 1));
      assertEquals((short) bits, Float16.toF16(value));
      assertEquals((short) (bits | 0x8000), Float16.toF16(-value));
      if (bits < 0x7bff) {
        int even = bits + (bits & 1);
        assertEquals((short) even, Float16.toF16((value + next) / 2));
        assertEquals((short) bits, Float16.toF16(Math.nextDown((value + next) / 2)));
      }
    }
    assertEquals((short) 0x7bff, Float16.toF16(65519.99f));
    assertEquals((short) 0x7c00, Float16.toF16(65520));
    assertEquals((short) 0xfc00, Float16.toF16(Float.NEGATIVE_INFINITY));
    assertEquals((short) 0x7e00, Float16.toF16(Float.NaN));
  }

  @Test
  void f16AndBf16KeepTheirEdges() {
    assertEquals(0x1p-24f, Float16.ofF16((short) 1));
    assertEquals(65504f, Float16.ofF16((short) 0x7bff));
    assertEquals(Float.NEGATIVE_INFINITY, Float16.ofF16((short) 0xfc00));
    assertEquals(Float.NaN, Float16.ofF16((short) 0x7c01));
    assertEquals(1 / Float.NEGATIVE_INFINITY, Float16.ofF16((short) 0x8000));
    assertEquals((short) 0x3f80, Float16.toBf16(1 + 0x1p-8f)); // a tie goes to the even one
    assertEquals((short) 0x3f82, Float16.toBf16(1 + 3 * 0x1p-8f));
    assertEquals((short) 0x7f80, Float16.toBf16(Float.MAX_VALUE));
    assertEquals((short) 0x7fc0, Float16.toBf16(Float.NaN));
  }
}
