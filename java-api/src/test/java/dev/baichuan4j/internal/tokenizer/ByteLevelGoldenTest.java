package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Byte-level tokenizers against ids and texts that Hugging Face's tokenizers gave: three that were
 * trained for the tests, and published ones where somebody has them.
 */
class ByteLevelGoldenTest {
  private static final int TEXTS = 2000;

  @ParameterizedTest
  @ValueSource(strings = {"llama3-kind", "qwen2-kind", "gpt2-kind"})
  void everyGoldenStringHasItsIdsAndItsText(String kind) {
    assertGolden(
        TestData.load(TestData.fixture(kind)), TestData.json(TestData.fixture(kind + ".json")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama3", "qwen3"})
  void everyGoldenStringOfAPublishedTokenizerHasItsIdsAndItsText(String name) {
    JsonNode rows = TestData.json(TestData.published(name + "/golden.json"));
    assertGolden(TestData.load(TestData.published(name)), rows);
  }

  private static void assertGolden(Tokenizer tokenizer, JsonNode rows) {
    assertEquals(TEXTS, rows.size());
    List<String> wrong = new ArrayList<>();
    int inert = 0;
    for (JsonNode row : rows) {
      String text = row.get("text").textValue();
      int[] ids = TestData.ints(row.get("ids"));
      check(wrong, text, ids, tokenizer.encode(text, SpecialTokens.PARSED));
      int[] spelled =
          TestData.ints(row.path("spelled").isMissingNode() ? row.get("ids") : row.get("spelled"));
      check(wrong, "reserved: " + text, spelled, tokenizer.encode(text, SpecialTokens.RESERVED));
      if (!text.matches("(?s).*<[^<>\\s]+>.*")) {
        check(wrong, "inert: " + text, spelled, tokenizer.encode(text));
        inert++;
      }
      int before = row.path("around").path(0).size();
      int[] whole = new int[before + ids.length];
      for (int i = 0; i < before; i++) {
        whole[i] = row.get("around").get(0).get(i).intValue();
      }
      System.arraycopy(ids, 0, whole, before, ids.length);
      assertArrayEquals(whole, tokenizer.asWholeText(ids));
      String decoded = row.path("decoded").asText(text);
      if (!decoded.equals(tokenizer.decode(ids))
          || !decoded.equals(StreamDecoderTest.stream(tokenizer, ids, false))) {
        wrong.add("decoded: " + text + ": " + decoded + " but " + tokenizer.decode(ids));
      }
    }
    assertEquals(List.of(), wrong.stream().limit(10).toList(), wrong.size() + " are wrong");
    assertTrue(inert > TEXTS / 2, "only " + inert + " texts have no marks");
  }

  private static void check(List<String> wrong, String text, int[] expected, int[] actual) {
    if (!Arrays.equals(expected, actual)) {
      wrong.add(text + ": " + Arrays.toString(expected) + " but " + Arrays.toString(actual));
    }
  }
}
