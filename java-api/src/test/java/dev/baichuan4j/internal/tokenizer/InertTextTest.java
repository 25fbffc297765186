package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Text of users never becomes a control id or a role id. */
class InertTextTest {
  /** Control ids, the unknown id, and the symbols that models use as marks. */
  private static Set<Integer> marks(Tokenizer tokenizer) {
    return IntStream.range(0, tokenizer.vocabularySize())
        .filter(
            id ->
                switch (tokenizer.type(id)) {
                  case CONTROL, UNKNOWN -> true;
                  case USER_DEFINED ->
                      tokenizer.piece(id).matches("<(reserved_\\d+|extra_\\d+|SEP|CLS)>");
                  default -> false;
                })
        .boxed()
        .collect(Collectors.toSet());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        TestData.NMT_NFKC,
        TestData.IDENTITY,
        TestData.BAICHUAN1_KIND,
        TestData.BAICHUAN2_KIND
      })
  void theNameOfEveryMarkIsSpelled(String model) {
    Tokenizer tokenizer = TestData.tokenizer(model);
    Set<Integer> marks = marks(tokenizer);
    assertTrue(marks.containsAll(List.of(0, 1, 2, 3, 4, 195, 196)));
    for (int mark : marks) {
      String text = "x" + tokenizer.piece(mark) + "y";
      int[] ids = tokenizer.encode(text);
      assertTrue(IntStream.of(ids).noneMatch(marks::contains), text);
      assertEquals(text, tokenizer.decode(ids));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        TestData.NMT_NFKC,
        TestData.IDENTITY,
        TestData.BAICHUAN1_KIND,
        TestData.BAICHUAN2_KIND
      })
  void noMixtureOfMarksGetsThrough(String model) {
    Tokenizer tokenizer = TestData.tokenizer(model);
    Set<Integer> marks = marks(tokenizer);
    List<String> parts =
        List.of(
            "<",
            "＜",
            "</",
            "s",
            ">",
            "＞",
            "unk",
            "reserved_",
            "ｒｅｓｅｒｖｅｄ＿",
            "102",
            "１０６",
            "<reserved_106>",
            "<s>",
            "</s>",
            "<SEP>",
            " ",
            "\n",
            "\uD800");
    Random random = new Random(11);
    for (int n = 0; n < 20_000; n++) {
      String text =
          random
              .ints(random.nextInt(12), 0, parts.size())
              .mapToObj(parts::get)
              .collect(Collectors.joining());
      assertTrue(IntStream.of(tokenizer.encode(text)).noneMatch(marks::contains), text);
    }
  }

  @Test
  void foldedUnicodeDoesNotBecomeAMark() {
    Tokenizer tokenizer = TestData.shipped(TestData.NMT_NFKC);
    String text = "＜ｒｅｓｅｒｖｅｄ＿102＞"; // the model's rules make <reserved_102> of it
    int role = tokenizer.id("<reserved_102>").orElseThrow();
    assertTrue(contains(tokenizer.encode(text, SpecialTokens.RESERVED), role));
    assertFalse(contains(tokenizer.encode(text), role));
    assertEquals("<reserved_102>", tokenizer.decode(tokenizer.encode(text)));
  }

  @Test
  void contentSymbolsStaySingleTokens() {
    Tokenizer tokenizer = TestData.shipped(TestData.IDENTITY);
    for (String symbol : List.of("\n", "\t", "<b>", "</table>", "<br/>")) {
      assertArrayEquals(
          new int[] {tokenizer.id(symbol).orElseThrow()}, tokenizer.encode(symbol), symbol);
    }
  }

  @Test
  void reservedModeMatchesReservedSymbolsAndSpellsControlPieces() {
    Tokenizer tokenizer = TestData.shipped(TestData.IDENTITY);
    int user = tokenizer.id("<reserved_106>").orElseThrow();
    assertArrayEquals(new int[] {user}, tokenizer.encode("<reserved_106>", SpecialTokens.RESERVED));
    for (String text : List.of("<s>", "</s>", "<unk>")) {
      int[] ids = tokenizer.encode(text, SpecialTokens.RESERVED);
      assertTrue(IntStream.of(ids).allMatch(id -> id > 2), text);
      assertEquals(text, tokenizer.decode(ids));
    }
  }

  @Test
  void parsedModeCutsOutControlPiecesAndEncodesEachPartOnItsOwn() {
    Tokenizer tokenizer = TestData.shipped(TestData.NMT_NFKC);
    int[] a = tokenizer.encode("ab", SpecialTokens.RESERVED);
    int[] b = tokenizer.encode(" <reserved_102>c", SpecialTokens.RESERVED);
    int[] expected = concat(new int[] {1}, a, new int[] {2, 0}, b, new int[] {1});
    assertArrayEquals(
        expected, tokenizer.encode("<s>ab</s><unk> <reserved_102>c<s>", SpecialTokens.PARSED));
    assertArrayEquals(new int[0], tokenizer.encode("", SpecialTokens.PARSED));
  }

  private static boolean contains(int[] ids, int id) {
    return IntStream.of(ids).anyMatch(i -> i == id);
  }

  private static int[] concat(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(IntStream::of).toArray();
  }
}
