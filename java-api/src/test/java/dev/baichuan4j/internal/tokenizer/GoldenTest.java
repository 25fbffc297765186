package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.PieceType;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokenizers against ids and texts that the SentencePiece library gave. */
class GoldenTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        TestData.BAICHUAN1_KIND,
        TestData.BAICHUAN2_KIND,
        TestData.NMT_NFKC,
        TestData.IDENTITY
      })
  void everyGoldenStringHasItsIdsAndItsText(String name) {
    JsonNode rows = TestData.json(TestData.fixture(name + ".json"));
    assertEquals(445, rows.size());
    assertGolden(TestData.tokenizer(name), rows);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        TestData.BAICHUAN1_KIND,
        TestData.BAICHUAN2_KIND,
        TestData.NMT_NFKC,
        TestData.IDENTITY
      })
  void inertTextDiffersOnlyWhereThereAreMarks(String name) {
    JsonNode rows = TestData.json(TestData.fixture(name + ".json"));
    assertInertWhereThereAreNoMarks(TestData.tokenizer(name), rows);
  }

  /** Encodes, decodes, and decodes piece by piece. */
  static void assertGolden(Tokenizer tokenizer, JsonNode rows) {
    for (JsonNode row : rows) {
      String text = row.get("text").textValue();
      int[] ids = TestData.ints(row.get("ids"));
      assertArrayEquals(ids, tokenizer.encode(text, SpecialTokens.RESERVED), text);
      assertEquals(row.get("decoded").textValue(), tokenizer.decode(ids), text);
      assertEquals(tokenizer.decode(ids), StreamDecoderTest.stream(tokenizer, ids, false), text);
    }
  }

  static void assertInertWhereThereAreNoMarks(Tokenizer tokenizer, JsonNode rows) {
    int compared = 0;
    for (JsonNode row : rows) {
      String text = row.get("text").textValue();
      if (!text.matches("(?s).*<(reserved_|extra_|SEP>|CLS>).*")) {
        assertArrayEquals(TestData.ints(row.get("ids")), tokenizer.encode(text), text);
        compared++;
      }
    }
    assertTrue(compared > rows.size() / 2, "only " + compared + " texts have no marks");
  }

  @Test
  void knowsThePiecesOfTheTrainedModels() {
    for (String name : new String[] {TestData.BAICHUAN1_KIND, TestData.BAICHUAN2_KIND}) {
      Tokenizer tokenizer = TestData.tokenizer(name);
      assertEquals(4000, tokenizer.vocabularySize());
      assertEquals(5, tokenizer.id("\n").orElseThrow());
      assertEquals(6, tokenizer.id("\t").orElseThrow());
      assertEquals(PieceType.USER_DEFINED, tokenizer.type(196));
      assertEquals(0, tokenizer.unkId());
      assertEquals(1, tokenizer.bosId());
      assertEquals(2, tokenizer.eosId());
      assertEquals(-1, tokenizer.padId());
      long bytes =
          IntStream.range(0, 4000).filter(id -> tokenizer.type(id) == PieceType.BYTE).count();
      assertEquals(256, bytes);
    }
    assertEquals("<reserved_102>", TestData.tokenizer(TestData.BAICHUAN1_KIND).piece(195));
    assertEquals("<reserved_106>", TestData.tokenizer(TestData.BAICHUAN2_KIND).piece(195));
  }

  /**
   * The publisher's Python tokenizer encodes what is between the names of special tokens by itself.
   */
  @Test
  void everyPartBetweenSpecialTokensHasItsOwnPrefix() {
    Tokenizer tokenizer = TestData.tokenizer(TestData.BAICHUAN1_KIND);
    int space = tokenizer.id("\u2581").orElseThrow();
    int question = tokenizer.id("？").orElseThrow();
    assertArrayEquals(
        new int[] {space, question, 2, space, 195, space},
        tokenizer.encode("？</s><reserved_102> ", SpecialTokens.PARSED));
  }
}
