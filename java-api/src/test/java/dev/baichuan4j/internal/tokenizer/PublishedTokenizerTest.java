package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.PieceType;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The published tokenizers, where somebody has them: skipped elsewhere. {@link GoldenTest} holds
 * models of the same kinds everywhere.
 */
class PublishedTokenizerTest {
  private static Tokenizer published(String family) {
    return TestData.load(TestData.published(family));
  }

  @ParameterizedTest
  @ValueSource(strings = {"baichuan1", "baichuan2"})
  void everyGoldenStringHasItsIdsAndItsText(String family) {
    JsonNode rows = TestData.json(TestData.published(family + "/golden.json"));
    assertEquals(991, rows.size());
    GoldenTest.assertGolden(published(family), rows);
    GoldenTest.assertInertWhereThereAreNoMarks(published(family), rows);
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
