package dev.baichuan4j.internal.checkpoint.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Positions;
import dev.baichuan4j.internal.tokenizer.SentencePiece;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A file that gguf-py wrote (tools/gguf-goldens/make.py), and what is made of wrong ones. */
class GgufFileTest {
  private static final String FFN = "blk.0.ffn_up.weight";

  @TempDir Path folder;

  private byte[] micro;

  @BeforeEach
  void read() throws IOException {
    try (InputStream file =
        getClass().getResourceAsStream("../ReaderFuzzTestInputs/gguf/micro.gguf")) {
      micro = file.readAllBytes();
    }
  }

  private GgufFile open() throws IOException {
    return GgufFile.open(Files.write(folder.resolve("m.gguf"), micro));
  }

  private void assertRefused(String message) {
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> GgufConfig.architecture(open()));
    assertEquals(folder.resolve("m.gguf") + ": " + message, e.getMessage());
  }

  private ByteBuffer bytes() {
    return ByteBuffer.wrap(micro).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Returns the offset of what follows a text in the file. */
  private int behind(String text) {
    byte[] wanted = text.getBytes(StandardCharsets.UTF_8);
    String all = new String(micro, StandardCharsets.ISO_8859_1);
    int at = all.indexOf(new String(wanted, StandardCharsets.ISO_8859_1));
    assertTrue(at > 0, text);
    return at + wanted.length;
  }

  @Test
  void readsKeysOfEveryType() throws IOException {
    GgufMetadata metadata = open().metadata();
    assertEquals(200, metadata.number("test.u8").orElseThrow());
    assertEquals(-100, metadata.number("test.i8").orElseThrow());
    assertEquals(60000, metadata.number("test.u16").orElseThrow());
    assertEquals(-30000, metadata.number("test.i16").orElseThrow());
    assertEquals(4e9, metadata.number("test.u32").orElseThrow());
    assertEquals(-2e9, metadata.number("test.i32").orElseThrow());
    assertEquals(0x1p62, metadata.number("test.u64").orElseThrow());
    assertEquals(-0x1p62, metadata.number("test.i64").orElseThrow());
    assertEquals(0.5, metadata.number("test.f32").orElseThrow());
    assertEquals(0.1, metadata.number("test.f64").orElseThrow());
    assertTrue(metadata.bool("test.bool").orElseThrow());
    assertArrayEquals(new long[] {1, -2, 3}, metadata.integers("test.integers").orElseThrow());
    assertArrayEquals(new double[] {0.5, 0.25}, metadata.numbers("test.numbers").orElseThrow());
    assertEquals(List.of("", "床前明月光"), metadata.strings("test.texts"));
    assertThrows(ModelFormatException.class, () -> metadata.integer("test.u64", 0, 1));
    assertThrows(ModelFormatException.class, () -> metadata.string("test.u64"));
    assertThrows(ModelFormatException.class, () -> metadata.strings("test.integers"));
  }

  @Test
  void readsArchitectureAndTensors() throws IOException {
    GgufFile file = open();
    Architecture model = GgufConfig.architecture(file);
    assertEquals("LlamaForCausalLM", model.name());
    assertEquals(new Architecture.Heads(2, 1, 16), model.heads());
    assertEquals(64, model.maxPositions());
    assertEquals(265, model.vocabularySize());
    assertEquals(1e-5f, model.normEps());
    assertEquals(Positions.Rope.of(500_000), model.positions());
    assertEquals(Head.TIED, model.head());
    assertEquals(List.of(2), model.tokens().ends());
    assertEquals(16, GgufConfig.turnedHead(file, model));
    GgufTensor up = file.tensors().get(FFN);
    assertEquals(GgufKind.Q5_0, up.kind());
    assertArrayEquals(new long[] {64, 32}, up.shape());
    assertEquals(64 * 22, up.bytes());
  }

  @Test
  void tokenizerTakesWhatLiesInFrontOfBytesForSymbols() throws IOException {
    byte[] model = GgufTokenizer.files(open().metadata()).get("tokenizer.model");
    Tokenizer tokenizer = SentencePiece.parse(model, "m.gguf");
    assertEquals(265, tokenizer.vocabularySize());
    assertArrayEquals(new int[] {264}, tokenizer.encode("ab"));
    assertArrayEquals(
        new int[] {260, 3, 263}, tokenizer.encode("<mark_1>ab", SpecialTokens.RESERVED));
    assertArrayEquals(new int[] {260, 4 + 0xE5, 4 + 0xBA, 4 + 0x8A}, tokenizer.encode("床"));
    assertEquals(1, tokenizer.bosId());
    assertEquals(2, tokenizer.eosId());
  }

  @Test
  void rowsOfQueriesComeBackFromLlamaCppsOrder() throws IOException {
    GgufFile file = open();
    GgufTensor q = file.tensors().get("blk.0.attn_q.weight");
    ByteBuffer asStored = ByteBuffer.allocate(32 * 64);
    new GgufRows(q, 0).read(0, 32, false, asStored);
    ByteBuffer here = ByteBuffer.allocate(32 * 64);
    GgufRows rows = new GgufRows(q, 16);
    rows.read(0, 5, false, here); // blocks may end in the middle of a head
    rows.read(5, 27, false, here);
    for (int head = 0; head < 2; head++) {
      for (int k = 0; k < 8; k++) {
        for (int part = 0; part < 2; part++) {
          int row = 16 * head + 8 * part + k;
          int stored = 16 * head + 2 * k + part;
          assertEquals(asStored.slice(64 * stored, 64), here.slice(64 * row, 64), "row " + row);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1, 'magic has other bytes, expected GGUF'",
    "4, 4, 'version has 4, expected 2 or 3, little-endian'",
    "4, 50331648, 'version has 50331648, expected 2 or 3, little-endian'"
  })
  void refusesOtherFormats(int at, int value, String message) {
    bytes().putInt(at, value);
    assertRefused(message);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 32, 1L << 31, 100_001})
  void refusesCountsThatOverflow(long count) {
    bytes().putLong(8, count);
    assertRefused(
        "count of tensors has " + Long.toUnsignedString(count) + ", expected at most 100000");
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 32, 1 << 24})
  void refusesListsThatAreLongerThanTheFile(long length) {
    int at = behind("tokenizer.ggml.tokens") + 8;
    bytes().putLong(at, length);
    ModelFormatException e = assertThrows(ModelFormatException.class, this::open);
    assertEquals("length of tokenizer.ggml.tokens", e.subject());
    bytes().putLong(behind("test.texts") + 8, 2);
    bytes().putLong(behind("general.architecture") + 4, length);
    e = assertThrows(ModelFormatException.class, this::open);
    assertEquals("length of general.architecture", e.subject());
  }

  @Test
  void refusesListsOfLists() {
    bytes().putInt(behind("test.texts") + 4, 9);
    ModelFormatException e = assertThrows(ModelFormatException.class, this::open);
    assertEquals("a list of numbers or texts", e.expected());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 3, 1 << 21, Integer.MIN_VALUE})
  void refusesAlignmentsThatAreNone(int alignment) {
    micro = new GgufHeader().put("general.alignment", alignment).bytes().array();
    ModelFormatException e = assertThrows(ModelFormatException.class, this::open);
    assertEquals("general.alignment", e.subject());
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 62, 1L << 32})
  void refusesSizesThatOverflow(long size) {
    bytes().putLong(behind(FFN) + 4 + 8, size); // the rows
    ModelFormatException e = assertThrows(ModelFormatException.class, this::open);
    assertEquals(FFN, e.subject());
  }

  @ParameterizedTest
  @ValueSource(longs = {-32, Long.MIN_VALUE, Long.MAX_VALUE - 31, 1L << 32, 33})
  void refusesOffsetsThatLeaveTheFile(long offset) {
    bytes().putLong(behind(FFN) + 24, offset);
    ModelFormatException e = assertThrows(ModelFormatException.class, this::open);
    assertEquals(FFN, e.subject());
  }

  @Test
  void refusesKindsThatAreNotReadByTheirNames() {
    bytes().putInt(behind(FFN) + 20, 16);
    assertRefused(FFN + " has type IQ2_XXS, expected a type of " + GgufKind.names());
    bytes().putInt(behind(FFN) + 20, -1);
    assertRefused(FFN + " has type 4294967295, expected a type of " + GgufKind.names());
  }

  @Test
  void refusesTensorsThatOverlapAndTensorsOfOtherModels() {
    bytes().putLong(behind(FFN) + 24, bytes().getLong(behind("blk.0.ffn_gate.weight") + 24));
    assertRefused(
        FFN + " has data that overlap those of blk.0.ffn_gate.weight, expected data of its own");
  }

  @Test
  void refusesWhatItCannotFollow() {
    int at = behind("general.architecture") + 4 + 8;
    micro[at + 4] = 'o';
    assertRefused("general.architecture has llamo, expected baichuan, llama, qwen2 or qwen3");
    micro[at + 4] = 'a';
    micro[behind("blk.0.attn_k.weigh") - 5] = 'W';
    assertRefused(
        "blk.0.attn_k.Weight has another tensor, expected the tensors of a dense llama model");
  }

  @Test
  void refusesAFileThatEndsEarlyWhereverItEnds() throws IOException {
    byte[] whole = micro;
    for (int length = 0; length < whole.length - 1; length += 61) {
      micro = Arrays.copyOf(whole, length);
      assertThrows(ModelFormatException.class, this::open, "length " + length);
    }
  }
}
