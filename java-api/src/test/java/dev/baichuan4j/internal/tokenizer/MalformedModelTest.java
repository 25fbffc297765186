package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is not a SentencePiece BPE model is refused by name, never with another failure. */
class MalformedModelTest {
  private static ModelFormatException refuse(byte[] model) {
    return assertThrows(ModelFormatException.class, () -> Tokenizer.parse(model, "x.model"));
  }

  private static void assertRefused(String message, TestModel model) {
    assertEquals(message, refuse(model.toBytes()).getMessage());
  }

  @Test
  void refusesAMissingFileAndAFolderWithoutOne(@TempDir Path folder) {
    Path file = folder.resolve("tokenizer.model");
    for (Path path : new Path[] {file, folder}) {
      var e = assertThrows(ModelFormatException.class, () -> Tokenizer.load(path));
      assertEquals(
          file + ": path has nothing there, expected a SentencePiece model", e.getMessage());
    }
  }

  @Test
  void namesTheFileThatIsNoModel(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("tokenizer.model"), "{\"version\": \"1.0\"}");
    var e = assertThrows(ModelFormatException.class, () -> Tokenizer.load(folder));
    assertEquals(file.toString(), e.file());
  }

  @Test
  void refusesAFileTooLargeToBeAModel(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("huge.model");
    try (var writer = new RandomAccessFile(file.toFile(), "rw")) {
      writer.setLength((64L << 20) + 1); // sparse
    }
    var e = assertThrows(ModelFormatException.class, () -> Tokenizer.load(file));
    assertEquals("at most 67108864 bytes", e.expected());
  }

  @Test
  void refusesAnEmptyModel() {
    assertEquals(
        "x.model: pieces has none, expected a SentencePiece vocabulary",
        refuse(new byte[0]).getMessage());
  }

  @Test
  void refusesOtherKindsOfModel() {
    assertRefused(
        "x.model: model_type has 1 (UNIGRAM), expected 2 (BPE)",
        TestModel.bpe().type(TestModel.UNIGRAM));
    assertRefused(
        "x.model: remove_extra_whitespaces has true, expected false",
        TestModel.bpe().flag("remove_extra_whitespaces", true));
    assertRefused(
        "x.model: escape_whitespaces has false, expected true",
        TestModel.bpe().flag("escape_whitespaces", false));
    assertRefused(
        "x.model: treat_whitespace_as_suffix has true, expected false",
        TestModel.bpe().flag("treat_whitespace_as_suffix", true));
  }

  @Test
  void refusesPiecesThatContradictEachOther() {
    assertRefused(
        "x.model: piece 3 has the text of piece 1, expected a text of its own",
        TestModel.bpe().normal("<s>", 0));
    assertRefused(
        "x.model: pieces has 2, expected one of type UNKNOWN",
        TestModel.bpe().piece("<unk2>", 0, TestModel.UNKNOWN));
    assertRefused("x.model: piece 3 has none, expected text", TestModel.bpe().normal("", 0));
    assertRefused(
        "x.model: piece 3 has score NaN, expected a finite score",
        TestModel.bpe().normal("a", Float.NaN));
    assertRefused(
        "x.model: piece 3 has type 5, expected type 1, 2, 3, 4 or 6",
        TestModel.bpe().piece("a", 0, TestModel.UNUSED));
    assertRefused(
        "x.model: piece 3 has 513 characters, expected at most 512 characters",
        TestModel.bpe().normal("a".repeat(513), 0));
  }

  @Test
  void refusesBytePiecesThatAreNotThe256() {
    assertRefused(
        "x.model: pieces has 0, expected 256 of type BYTE",
        TestModel.bpe().flag("byte_fallback", true));
    assertRefused(
        "x.model: pieces has 1, expected 0 of type BYTE",
        TestModel.bpe().piece("<0x00>", 0, TestModel.BYTE));
    TestModel model = TestModel.bpe().flag("byte_fallback", true);
    for (int b = 0; b < 255; b++) {
      model.piece("<0x%02X>".formatted(b), 0, TestModel.BYTE);
    }
    assertRefused(
        "x.model: piece 258 has <0xff>, expected <0x00> to <0xFF> as type BYTE",
        model.piece("<0xff>", 0, TestModel.BYTE));
  }

  @Test
  void refusesAPieceThatIsNotUtf8() {
    byte[] half = {'a', (byte) 0xE4, (byte) 0xBD};
    assertEquals("UTF-8 text", refuse(TestModel.bpe().piece(half, 0, 1).toBytes()).expected());
    Tokenizer tokenizer = TestModel.bpe().normal("\uFFFD", 0).tokenizer();
    assertEquals("\uFFFD", tokenizer.piece(3)); // a character like any other
  }

  @Test
  void refusesLengthsBeyondTheFile() {
    for (byte[] length :
        new byte[][] {
          {5},
          {-1, -1, -1, -1, 7}, // 2^31 - 1
          {-1, -1, -1, -1, -1, -1, -1, -1, -1, 1}, // 2^64 - 1
          {-128, -128, -128, -128, -128, -128, -128, -128, -128, -128, 1}, // no varint
          {-128} // ends within
        }) {
      byte[] model = new byte[length.length + 1];
      model[0] = 1 << 3 | 2;
      System.arraycopy(length, 0, model, 1, length.length);
      refuse(model);
    }
  }

  @Test
  void refusesFieldsOfAnotherWireType() {
    refuse(new byte[] {1 << 3, 0}); // pieces as a number
    refuse(new byte[] {1 << 3 | 2, 2, 1 << 3, 0}); // a piece's text as a number
    refuse(new byte[] {9 << 3 | 3}); // a group
    refuse(new byte[] {2}); // field 0
  }

  @Test
  void refusesACharsmapThatPointsOutOfItself() {
    assertCharsmapRefused(new byte[] {1, 0, 0});
    assertCharsmapRefused(charsmap(new int[0], "\0"));
    assertCharsmapRefused(charsmap(-4, new int[] {0}, "\0"));
    assertCharsmapRefused(charsmap(6, new int[] {0, 0}, "\0"));
    assertCharsmapRefused(charsmap(400, new int[] {0, 0}, "\0"));
    assertCharsmapRefused(charsmap(new int[] {1 << 8 | 5 << 10}, "\0")); // value out of the trie
    assertCharsmapRefused(charsmap(new int[] {1 << 8 | 1 << 10, 1 << 31 | 9}, "\0")); // of the pool
    assertCharsmapRefused(charsmap(new int[] {1 << 8 | 1 << 10, 1 << 31}, "a".repeat(2000)));
  }

  private static void assertCharsmapRefused(byte[] blob) {
    var e = refuse(TestModel.bpe().charsmap(blob).toBytes());
    assertEquals("precompiled_charsmap", e.subject());
  }

  private static byte[] charsmap(int[] units, String pool) {
    return charsmap(4 * units.length, units, pool);
  }

  private static byte[] charsmap(int size, int[] units, String pool) {
    byte[] text = pool.getBytes(StandardCharsets.UTF_8);
    ByteBuffer blob =
        ByteBuffer.allocate(4 + 4 * units.length + text.length).order(ByteOrder.LITTLE_ENDIAN);
    blob.putInt(size);
    for (int unit : units) {
      blob.putInt(unit);
    }
    return blob.put(text).array();
  }

  @ParameterizedTest
  @ValueSource(strings = {TestData.NMT_NFKC, TestData.IDENTITY})
  void refusesEveryTruncation(String name) throws IOException {
    byte[] model = Files.readAllBytes(TestData.models().resolve(name).resolve("tokenizer.model"));
    Random random = new Random(2);
    for (int n = 0; n < 100; n++) {
      refuse(Arrays.copyOf(model, random.nextInt(model.length)));
    }
  }

  @Test
  void randomBytesAreRefusedOrGiveATokenizerThatWorks() {
    Random random = new Random(13);
    for (int n = 0; n < 20_000; n++) {
      byte[] model = new byte[random.nextInt(200)];
      random.nextBytes(model);
      parseAndUse(model);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {TestData.NMT_NFKC, TestData.IDENTITY})
  void damagedModelsAreRefusedOrGiveATokenizerThatWorks(String name) throws IOException {
    byte[] model = Files.readAllBytes(TestData.models().resolve(name).resolve("tokenizer.model"));
    Random random = new Random(17);
    int refused = 0;
    for (int n = 0; n < 150; n++) {
      byte[] damaged = model.clone();
      for (int i = random.nextInt(30); i >= 0; i--) {
        damaged[random.nextInt(model.length)] = (byte) random.nextInt();
      }
      refused += parseAndUse(damaged) ? 0 : 1;
    }
    assertTrue(refused > 0, "no damage was noticed");
  }

  private static boolean parseAndUse(byte[] model) {
    Tokenizer tokenizer;
    try {
      tokenizer = Tokenizer.parse(model, "x.model");
    } catch (ModelFormatException e) {
      return false;
    }
    for (SpecialTokens mode : SpecialTokens.values()) {
      tokenizer.decode(tokenizer.encode("登鹳雀楼 ＡＢＣ…①㍿ <reserved_1></s> e\u0301 😀\uD800", mode));
    }
    return true;
  }
}
