package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The tokenizers of the shipped models. */
class ShippedTokenizerTest {
  @Test
  void promptsOfThe7bHaveTheIdsOfTheOracle() {
    Tokenizer tokenizer = TestData.shipped(TestData.NMT_NFKC);
    JsonNode rows = rows(TestData.NMT_NFKC);
    assertFalse(rows.isEmpty());
    for (JsonNode row : rows) {
      String prompt = row.get("prompt").textValue();
      assertArrayEquals(TestData.ints(row.get("ids")), tokenizer.encode(prompt), prompt);
    }
  }

  @Test
  void messagesOfTheChatModelHaveTheIdsOfTheOracle() {
    Tokenizer tokenizer = TestData.shipped(TestData.IDENTITY);
    JsonNode rows = rows(TestData.IDENTITY);
    assertFalse(rows.isEmpty());
    for (JsonNode row : rows) {
      IntStream ids = IntStream.empty();
      for (JsonNode message : row.get("messages")) {
        int role = message.get("role").textValue().equals("user") ? 195 : 196;
        int[] content = tokenizer.encode(message.get("content").textValue());
        ids = IntStream.concat(ids, IntStream.concat(IntStream.of(role), IntStream.of(content)));
      }
      int[] prompt = IntStream.concat(ids, IntStream.of(196)).toArray();
      assertArrayEquals(TestData.ints(row.get("ids")), prompt, row.toString());
    }
  }

  @Test
  void greedyContinuationsDecodeToTheTextOfTheOracle() {
    Tokenizer tokenizer = TestData.shipped(TestData.NMT_NFKC);
    for (JsonNode row : rows(TestData.NMT_NFKC)) {
      int[] ids = TestData.ints(row.get("greedy"));
      assertEquals(row.get("text").textValue(), tokenizer.decode(ids, true));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {TestData.NMT_NFKC, TestData.IDENTITY})
  void everyPieceIsFoundByItsText(String model) {
    Tokenizer tokenizer = TestData.shipped(model);
    assertEquals(6144, tokenizer.vocabularySize());
    for (int id = 0; id < tokenizer.vocabularySize(); id++) {
      assertEquals(id, tokenizer.id(tokenizer.piece(id)).orElseThrow());
    }
    assertTrue(tokenizer.id("no such piece").isEmpty());
  }

  @Test
  void foldsUnicodeAndAddsOneSpace() {
    Tokenizer tokenizer = TestData.shipped(TestData.NMT_NFKC);
    assertArrayEquals(tokenizer.encode("ABC 1"), tokenizer.encode("ＡＢＣ　①"));
    assertEquals("株式会社...", tokenizer.decode(tokenizer.encode("㍿…")));
    assertEquals(tokenizer.id("\u2581").orElseThrow(), tokenizer.encode("\n")[0]);
    assertEquals(0, tokenizer.encode("").length);
  }

  @Test
  void identityGivesEveryTextBack() {
    Tokenizer tokenizer = TestData.shipped(TestData.IDENTITY);
    for (String text :
        List.of("", " ", "  a  ", "ＡＢＣ　①㍿…", "a\r\n\tb", "\0", "👨‍👩‍👧é", "你好，world!")) {
      assertEquals(text, tokenizer.decode(tokenizer.encode(text)));
    }
  }

  @Test
  void manyThreadsShareOneTokenizer() throws Exception {
    Tokenizer tokenizer = TestData.shipped(TestData.NMT_NFKC);
    String text = "床前明月光，疑是地上霜。 The quick brown fox …".repeat(50);
    int[] expected = tokenizer.encode(text);
    var threads = Executors.newFixedThreadPool(8);
    try {
      List<Callable<int[]>> tasks = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        tasks.add(() -> tokenizer.encode(text));
      }
      for (Future<int[]> ids : threads.invokeAll(tasks)) {
        assertArrayEquals(expected, ids.get());
      }
    } finally {
      threads.shutdown();
    }
  }

  private static JsonNode rows(String model) {
    return TestData.json(TestData.models().resolve("oracle.json")).get(model).get("rows");
  }
}
