package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.baichuan4j.PieceType;
import dev.baichuan4j.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The merge rule, on vocabularies made for it and against a plain loop. */
class BytePairEncoderTest {
  /** Looks at all pairs for every merge: best score, then leftmost. */
  private static List<String> mergeByLoop(String text, Map<String, Float> scores) {
    List<String> symbols = new ArrayList<>();
    text.codePoints().forEach(c -> symbols.add(Character.toString(c)));
    while (true) {
      int best = -1;
      for (int i = 0; i + 1 < symbols.size(); i++) {
        Float score = scores.get(symbols.get(i) + symbols.get(i + 1));
        if (score != null
            && (best < 0 || score > scores.get(symbols.get(best) + symbols.get(best + 1)))) {
          best = i;
        }
      }
      if (best < 0) {
        return symbols;
      }
      symbols.set(best, symbols.get(best) + symbols.remove(best + 1));
    }
  }

  @Test
  void mergesTheBestScoreFirst() {
    Tokenizer tokenizer =
        TestModel.bpe()
            .normal("a", -9)
            .normal("b", -9)
            .normal("c", -9)
            .normal("ab", -2)
            .normal("bc", -1)
            .normal("abc", -3)
            .tokenizer();
    assertEquals(List.of("abc"), pieces(tokenizer, "abc"));
    assertEquals(List.of("ab", "ab"), pieces(tokenizer, "abab"));
  }

  @Test
  void mergesTheLeftmostOfEqualScores() {
    Tokenizer tokenizer =
        TestModel.bpe()
            .normal("a", -9)
            .normal("b", -9)
            .normal("ba", -1)
            .normal("ab", -1)
            .normal("aa", -1)
            .tokenizer();
    assertEquals(List.of("ab", "ab"), pieces(tokenizer, "abab"));
    assertEquals(List.of("aa", "a"), pieces(tokenizer, "aaa"));
    assertEquals(List.of("ba", "b", "b"), pieces(tokenizer, "babb"));
  }

  @Test
  void reachesAcrossPairsThatAreNoPiece() {
    Tokenizer tokenizer =
        TestModel.bpe()
            .normal("a", -9)
            .normal("b", -9)
            .normal("c", -9)
            .normal("d", -9)
            .normal("ab", -1)
            .normal("cd", -2)
            .normal("abcd", -3)
            .tokenizer();
    assertEquals(List.of("abcd"), pieces(tokenizer, "abcd"));
    assertEquals(List.of("b", "cd"), pieces(tokenizer, "bcd"));
  }

  @Test
  void mergesCharactersThatAreNoPieceThemselves() {
    Tokenizer tokenizer =
        TestModel.bpe().bytePieces().normal("😀é", -1).normal("x", -2).tokenizer();
    assertEquals(List.of("😀é", "x"), pieces(tokenizer, "😀éx"));
    assertEquals(
        List.of("<0xC3>", "<0xA9>", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>"),
        pieces(tokenizer, "é😀"));
  }

  @Test
  void spellsUnknownCharactersInBytesOrOneUnknownForARun() {
    Tokenizer bytes = TestModel.bpe().bytePieces().normal("a", -1).tokenizer();
    assertEquals(List.of("a", "<0xE4>", "<0xBD>", "<0xA0>", "a", "<0x7E>"), pieces(bytes, "a你a~"));
    Tokenizer noBytes =
        TestModel.bpe().normal("a", -1).piece("!", 0, TestModel.USER_DEFINED).tokenizer();
    assertEquals(List.of("a", "<unk>", "a", "<unk>", "!", "<unk>"), pieces(noBytes, "a你好a~!~"));
    assertEquals("a \u2047 a \u2047 ! \u2047 ", noBytes.decode(noBytes.encode("a你好a~!~")));
  }

  @Test
  void neverMergesAUserDefinedSymbol() {
    Tokenizer tokenizer =
        TestModel.bpe()
            .normal("a", -9)
            .normal("a!", -1)
            .normal("!", -1)
            .piece("!!", 0, TestModel.USER_DEFINED)
            .piece("!a!", 0, TestModel.USER_DEFINED)
            .tokenizer();
    assertEquals(List.of("a", "!!", "a!", "a"), pieces(tokenizer, "a!!a!a"));
    assertEquals(List.of("!a!", "!!"), pieces(tokenizer, "!a!!!"));
  }

  @Test
  void equalsThePlainLoopOnRandomVocabulariesWithManyTies() {
    Random random = new Random(3);
    for (int n = 0; n < 300; n++) {
      Map<String, Float> scores = new HashMap<>();
      TestModel model = TestModel.bpe();
      for (String c : List.of("a", "b", "c", "d")) {
        model.normal(c, -99);
      }
      Set<String> texts = new HashSet<>();
      for (int i = 0; i < 40; i++) {
        String piece = randomText(random, 2 + random.nextInt(4));
        if (texts.add(piece)) {
          float score = -random.nextInt(8);
          scores.put(piece, score);
          model.normal(piece, score);
        }
      }
      Tokenizer tokenizer = model.tokenizer();
      for (int i = 0; i < 20; i++) {
        String text = randomText(random, 1 + random.nextInt(i < 10 ? 20 : 300));
        assertEquals(mergeByLoop(text, scores), pieces(tokenizer, text), text);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {TestData.NMT_NFKC, TestData.IDENTITY})
  void equalsThePlainLoopOnShippedVocabularies(String model) {
    Tokenizer tokenizer = TestData.shipped(model);
    Map<String, Float> scores = new HashMap<>();
    List<String> words = new ArrayList<>();
    int normals = 0;
    for (int id = 0; id < tokenizer.vocabularySize(); id++) {
      if (tokenizer.type(id) == PieceType.NORMAL) {
        scores.put(tokenizer.piece(id), (float) -normals++); // as these models number them
        if (tokenizer.piece(id).chars().allMatch(c -> c >= 'a' && c <= 'z' || c >= 0x4E00)) {
          words.add(tokenizer.piece(id));
        }
      }
    }
    boolean dummyPrefix = tokenizer.encode("\n").length == 2;
    Random random = new Random(5);
    for (int n = 0; n < 100; n++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(60); i >= 0; i--) {
        text.append(words.get(random.nextInt(words.size())));
      }
      String normal = (dummyPrefix ? "\u2581" : "") + text;
      assertEquals(mergeByLoop(normal, scores), pieces(tokenizer, text.toString()));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {TestData.NMT_NFKC, TestData.IDENTITY})
  void unpairedSurrogatesAreReplacementCharacters(String model) {
    Tokenizer tokenizer = TestData.shipped(model);
    for (String text : List.of("a\uD83Db\uDE00\uD83D", "a\uDE00b\uDE00\uD83D")) {
      assertEquals("a\uFFFDb\uFFFD\uFFFD", tokenizer.decode(tokenizer.encode(text)));
    }
    assertEquals("\uFFFD😀", tokenizer.decode(tokenizer.encode("\uD83D\uD83D\uDE00")));
  }

  private static List<String> pieces(Tokenizer tokenizer, String text) {
    return Arrays.stream(tokenizer.encode(text)).mapToObj(tokenizer::piece).toList();
  }

  private static String randomText(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(4)));
    }
    return text.toString();
  }
}
