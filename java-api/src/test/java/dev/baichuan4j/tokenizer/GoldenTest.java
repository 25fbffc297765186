package dev.baichuan4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The published tokenizers against ids and texts that the SentencePiece library gave. */
class GoldenTest {
  private static Tokenizer published(String family) {
    return TestData.load(TestData.shared("tokenizers/" + family));
  }

  @ParameterizedTest
  @ValueSource(strings = {"baichuan1", "baichuan2"})
  void everyGoldenStringHasItsIdsAndItsText(String family) {
    Tokenizer tokenizer = published(family);
    JsonNode rows = TestData.json(TestData.shared("tokenizers/" + family + "/golden.json"));
    assertEquals(991, rows.size());
    for (JsonNode row : rows) {
      String text = row.get("text").textValue();
      int[] ids = TestData.ints(row.get("ids"));
      assertArrayEquals(ids, tokenizer.encode(text, SpecialTokens.RESERVED), text);
      assertEquals(row.get("decoded").textValue(), tokenizer.decode(ids), text);
      assertEquals(tokenizer.decode(ids), StreamDecoderTest.stream(tokenizer, ids, false), text);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"baichuan1", "baichuan2"})
  void inertTextDiffersOnlyWhereThereAreMarks(String family) {
    Tokenizer tokenizer = published(family);
    for (JsonNode row : TestData.json(TestData.shared("tokenizers/" + family + "/golden.json"))) {
      String text = row.get("text").textValue();
      if (!text.contains("<reserved_") && !text.contains("<SEP>") && !text.contains("<CLS>")) {
        assertArrayEquals(TestData.ints(row.get("ids")), tokenizer.encode(text), text);
      }
    }
  }

  @Test
  void countsThePiecesAndKnowsTheMarks() {
    assertEquals(64000, published("baichuan1").vocabularySize());
    Tokenizer tokenizer = published("baichuan2");
    assertEquals(125696, tokenizer.vocabularySize()); // its own vocab_size says 99968
    assertEquals("<reserved_106>", tokenizer.piece(195));
    assertEquals(PieceType.USER_DEFINED, tokenizer.type(196));
    assertEquals(PieceType.BYTE, tokenizer.type(1089));
    assertEquals(5, tokenizer.id("\n").orElseThrow());
    assertEquals(0, tokenizer.unkId());
    assertEquals(1, tokenizer.bosId());
    assertEquals(2, tokenizer.eosId());
    assertEquals(-1, tokenizer.padId());
  }

  @Test
  void parsesMarksAsThePublishedPythonTokenizerDoes() {
    Tokenizer tokenizer = published("baichuan1");
    int[] ids = tokenizer.encode("？</s><reserved_102> 没事", SpecialTokens.PARSED);
    assertArrayEquals(new int[] {31106, 75, 2, 31106, 195, 31106}, Arrays.copyOf(ids, 6));
  }
}
