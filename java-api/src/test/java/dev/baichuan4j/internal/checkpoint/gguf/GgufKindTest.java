package dev.baichuan4j.internal.checkpoint.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

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

  /** Each f16 is kept; what lies half-way between two goes to the even one. */
  @Test
  void f16IsRoundedToTheNearest() {
    for (int bits = 0; bits < 0x7c00; bits++) {
      float value = Float16.ofF16((short) bits);
      assertEquals((short) bits, Float16.toF16(value));
      assertEquals((short) (bits | 0x8000), Float16.toF16(-value));
      double next = bits == 0x7bff ? 65536 : Float16.ofF16((short) (bits + 1));
      float half = (float) ((value + next) / 2);
      assertEquals((short) (bits + bits % 2), Float16.toF16(half), "between " + value);
      assertEquals((short) bits, Float16.toF16(Math.nextDown(half)));
      assertEquals((short) (bits + 1), Float16.toF16(Math.nextUp(half)));
    }
    assertEquals((short) 0x7c00, Float16.toF16(Float.MAX_VALUE));
    assertEquals((short) 0xfc00, Float16.toF16(Float.NEGATIVE_INFINITY));
    assertEquals(Float.NaN, Float16.ofF16(Float16.toF16(Float.NaN)));
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
