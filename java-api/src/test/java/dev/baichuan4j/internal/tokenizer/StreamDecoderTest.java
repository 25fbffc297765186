package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.PieceType;
import dev.baichuan4j.StreamDecoder;
import dev.baichuan4j.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamDecoderTest {
  /** Decodes one id at a time; every answer must hold whole code points. */
  static String stream(Tokenizer tokenizer, int[] ids, boolean skipSpecial) {
    StreamDecoder decoder = tokenizer.newStreamDecoder(skipSpecial);
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      String piece = decoder.append(id);
      assertFalse(piece.codePoints().anyMatch(c -> c >= 0xD800 && c < 0xE000), piece);
      text.append(piece);
    }
    return text.append(decoder.flush()).toString();
  }

  /**
   * The same by the SentencePiece library's own way: runs of bytes, then character by character.
   */
  private static String reference(Tokenizer tokenizer, int[] ids, boolean dummyPrefix) {
    StringBuilder text = new StringBuilder();
    var bytes = new ByteArrayOutputStream();
    boolean prefixSeen = false;
    for (int id : ids) {
      PieceType type = tokenizer.type(id);
      if (type == PieceType.BYTE) {
        bytes.write(Integer.parseInt(tokenizer.piece(id).substring(3, 5), 16));
        continue;
      }
      text.append(decodeUtf8(bytes.toByteArray()));
      bytes.reset();
      String piece = tokenizer.piece(id);
      if (type == PieceType.UNKNOWN) {
        text.append(" \u2047 ");
      } else if (type != PieceType.CONTROL) {
        if (dummyPrefix && text.isEmpty() && !prefixSeen && piece.startsWith("\u2581")) {
          piece = piece.substring(1);
          prefixSeen = true;
        }
        text.append(piece.replace('\u2581', ' '));
      }
    }
    return text.append(decodeUtf8(bytes.toByteArray())).toString();
  }

  private static String decodeUtf8(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    for (int at = 0; at < bytes.length; ) {
      int length = 1;
      String c = "\uFFFD";
      for (int n = 1; n <= Math.min(4, bytes.length - at); n++) {
        try {
          c = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, at, n)).toString();
          length = n;
          break;
        } catch (CharacterCodingException e) {
          continue; // not a whole character of n bytes
        }
      }
      text.append(c);
      at += length;
    }
    return text.toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {TestData.NMT_NFKC, TestData.IDENTITY})
  void streamEqualsDecodeEqualsReferenceOnRandomIds(String model) {
    Tokenizer tokenizer = TestData.shipped(model);
    int[] byteIds = byteIds(tokenizer);
    Random random = new Random(7);
    for (int n = 0; n < 5_000; n++) {
      int bytes = random.nextInt(101); // percent of byte pieces
      int[] ids = new int[random.nextInt(30)];
      for (int i = 0; i < ids.length; i++) {
        ids[i] =
            random.nextInt(100) < bytes
                ? byteIds[random.nextBoolean() ? 0x80 + random.nextInt(128) : random.nextInt(256)]
                : random.nextInt(random.nextBoolean() ? 10 : tokenizer.vocabularySize());
      }
      String expected = reference(tokenizer, ids, model.equals(TestData.NMT_NFKC));
      assertEquals(expected, tokenizer.decode(ids));
      assertEquals(expected, stream(tokenizer, ids, false));
      int[] visible = IntStream.of(ids).filter(id -> id > 2).toArray();
      assertEquals(tokenizer.decode(visible), tokenizer.decode(ids, true));
      assertEquals(tokenizer.decode(visible), stream(tokenizer, ids, true));
    }
  }

  @Test
  void holdsBytesBackUntilTheCharacterIsWhole() {
    Tokenizer tokenizer = TestData.shipped(TestData.IDENTITY);
    int[] byteIds = byteIds(tokenizer);
    StreamDecoder decoder = tokenizer.newStreamDecoder();
    assertEquals("", decoder.append(byteIds[0xF0]));
    assertEquals("", decoder.append(byteIds[0x9F]));
    assertEquals("", decoder.append(byteIds[0x98]));
    assertEquals("😀", decoder.append(byteIds[0x80]));
    assertEquals("", decoder.flush());
  }

  @Test
  void replacesAByteAsSoonAsItCannotBecomeACharacter() {
    Tokenizer tokenizer = TestData.shipped(TestData.IDENTITY);
    int[] byteIds = byteIds(tokenizer);
    StreamDecoder decoder = tokenizer.newStreamDecoder();
    assertEquals("\uFFFD", decoder.append(byteIds[0xC0])); // begins nothing
    assertEquals("", decoder.append(byteIds[0xED]));
    assertEquals("\uFFFD\uFFFD", decoder.append(byteIds[0xA0])); // would be a surrogate
    assertEquals("", decoder.append(byteIds[0xE4]));
    assertEquals("\uFFFDA", decoder.append(byteIds['A']));
    assertEquals("", decoder.append(byteIds[0xE4]));
    assertEquals("", decoder.append(byteIds[0xBD]));
    assertEquals("\uFFFD\uFFFD\n", decoder.append(tokenizer.id("\n").orElseThrow()));
    assertEquals("", decoder.append(byteIds[0xE4]));
    assertEquals("\uFFFD", decoder.flush());
    assertEquals("", decoder.flush());
  }

  @Test
  void leavesOutTheDummyPrefixOnceAndAgainAfterFlush() {
    Tokenizer tokenizer = TestData.shipped(TestData.NMT_NFKC);
    int space = tokenizer.id("\u2581").orElseThrow();
    StreamDecoder decoder = tokenizer.newStreamDecoder();
    assertEquals("", decoder.append(tokenizer.bosId()));
    assertEquals("", decoder.append(space));
    assertEquals(" ", decoder.append(space));
    assertEquals("", decoder.flush());
    assertEquals("", decoder.append(space));
  }

  @Test
  void refusesIdsOutOfRange() {
    Tokenizer tokenizer = TestData.shipped(TestData.IDENTITY);
    StreamDecoder decoder = tokenizer.newStreamDecoder();
    var high = assertThrows(InvalidRequestException.class, () -> decoder.append(6144));
    assertEquals("token id has 6144, expected 0 to 6143", high.getMessage());
    assertThrows(InvalidRequestException.class, () -> decoder.append(-1));
    assertThrows(InvalidRequestException.class, () -> tokenizer.decode(5, Integer.MIN_VALUE));
    assertThrows(InvalidRequestException.class, () -> tokenizer.piece(6144));
    assertThrows(InvalidRequestException.class, () -> tokenizer.type(-1));
  }

  private static int[] byteIds(Tokenizer tokenizer) {
    return IntStream.range(0, 256)
        .map(b -> tokenizer.id("<0x%02X>".formatted(b)).orElseThrow())
        .toArray();
  }
}
