package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.internal.tokenizer.OnigurumaParser.UnsupportedExpression;
import java.util.List;
import java.util.regex.MatchResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Expressions mean in Java what they mean in Oniguruma with Ruby's syntax. */
class OnigurumaParserTest {
  private static List<String> matches(String expression, String text) throws UnsupportedExpression {
    return OnigurumaParser.parse(expression)
        .matcher(text)
        .results()
        .map(MatchResult::group)
        .toList();
  }

  @Test
  void spaceAndLettersAreThoseOfUnicode() throws UnsupportedExpression {
    assertEquals(
        List.of("\u00a0\u3000\u0085\u2028"), matches("\\s+", "a\u00a0\u3000\u0085\u2028b"));
    assertEquals(List.of("a", "\u200b"), matches("\\S", "a\u3000\u200b"));
    assertEquals(List.of("é床𝒳"), matches("\\p{L}+", "é床𝒳1"));
    assertEquals(List.of("床の"), matches("[\\p{Han}\\p{Hiragana}]+", "a床のb"));
    assertEquals(List.of("a_1\u0301"), matches("\\w+", "a_1\u0301\u200d"));
    assertEquals(List.of("\r"), matches(".", "\r\n"));
  }

  @Test
  void contractionsIgnoreCaseAsUnicodeFoldsIt() throws UnsupportedExpression {
    assertEquals(List.of("'S", "'\u017f", "'Ll"), matches("(?i:'s|'ll)", "'S'\u017f'Ll"));
  }

  @Test
  void anIntervalWithAPlusIsARepeatAndOtherPlusesArePossessive() throws UnsupportedExpression {
    assertEquals(List.of("12345"), matches("\\p{N}{1,3}+", "12345"));
    assertEquals(List.of("123", "45"), matches("\\p{N}{1,3}", "12345"));
    assertEquals(List.of(), matches("a++a", "aaa"));
    assertEquals(List.of("aa", "a"), matches("a{,2}b|a{1,2}", "aaa"));
    assertEquals(List.of("{a}", "{"), matches("\\{a}|{", "{a}{"));
  }

  @Test
  void classesAreTakenOver() throws UnsupportedExpression {
    assertEquals(List.of("-", "]", "a", "^"), matches("[-\\]a^]", "-]a^b"));
    assertEquals(List.of("b"), matches("[a-z&&[^a]]", "ab"));
    assertEquals(List.of("\u4e00"), matches("[\\x{4e00}-\\u9fff]", "\u4e00a"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "(?:ab)+; a repeat of a group",
        "(a|b)*; a repeat of a group",
        "(?<!a)b; a group that begins with (?",
        "(?m:a); a group that begins with (?",
        "(?i:ss); one character can stand for",
        "(?i:é); one character can stand for",
        "a*; matches the empty text",
        "(?!a); matches the empty text",
        "a**; a repeat of a repeat",
        "a{2}?b; an interval of one length",
        "a{2,3}+; a repeat of an interval",
        "a{3,2}; an interval that is not",
        "*a; a repeat of nothing",
        "x(?:|)b; two alternatives that match the empty text",
        "x(a?|b*)c; two alternatives that match the empty text",
        "x(?:a?)?b; an optional group that matches the empty text",
        "[[:alpha:]]; a class within a class",
        "[^a[b]]; a class within a class",
        "[]; an empty class",
        "[a; no closing bracket",
        "[b-a]; a range that is not in order",
        "\\h; \\h",
        "\\bx; \\b",
        "\\p{Greek_Extended}; the property Greek_Extended",
        "\\x{110000}; a hexadecimal number",
        "a\\; a backslash with nothing behind it",
        "a); a closing parenthesis too many",
      })
  void refusesWhatItCannotTakeOver(String expression, String message) {
    UnsupportedExpression refused =
        assertThrows(UnsupportedExpression.class, () -> OnigurumaParser.parse(expression));
    assertTrue(refused.getMessage().contains(message), refused.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", "["})
  void refusesDeepNesting(String opening) {
    assertThrows(
        UnsupportedExpression.class, () -> OnigurumaParser.parse(opening.repeat(10_000) + "a"));
  }
}
