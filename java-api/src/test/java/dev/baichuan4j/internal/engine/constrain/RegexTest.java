package dev.baichuan4j.internal.engine.constrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegexTest {
  private static final long SEED = 14;

  static boolean matches(Dfa automaton, String text) {
    return automaton.matches(text.getBytes(StandardCharsets.UTF_8));
  }

  /** All strings of up to {@code length} letters. */
  static List<String> strings(String letters, int length) {
    List<String> all = new ArrayList<>(List.of(""));
    for (int from = 0, i = 0; i < length; i++) {
      int to = all.size();
      for (; from < to; from++) {
        for (char c : letters.toCharArray()) {
          all.add(all.get(from) + c);
        }
      }
    }
    return all;
  }

  private static String randomPattern(SplittableRandom random, int depth, String letters) {
    int kind = random.nextInt(depth == 0 ? 3 : 9);
    return switch (kind) {
      case 0, 1 -> "" + letters.charAt(random.nextInt(letters.length()));
      case 2 -> random.nextBoolean() ? "." : "[^" + letters.charAt(0) + "]";
      case 3, 4 ->
          randomPattern(random, depth - 1, letters) + randomPattern(random, depth - 1, letters);
      case 5 ->
          "(?:"
              + randomPattern(random, depth - 1, letters)
              + "|"
              + (random.nextInt(4) == 0 ? "" : randomPattern(random, depth - 1, letters))
              + ")";
      case 6 -> "(?:" + randomPattern(random, depth - 1, letters) + ")*";
      case 7 -> "(?:" + randomPattern(random, depth - 1, letters) + ")?";
      default -> {
        int min = random.nextInt(3);
        yield "(?:%s){%d,%d}"
            .formatted(randomPattern(random, depth - 1, letters), min, min + random.nextInt(3));
      }
    };
  }

  @Test
  void randomPatternsMatchWhatJavaMatches() {
    SplittableRandom random = new SplittableRandom(SEED);
    List<String> texts = strings("ab中", 5);
    for (int i = 0; i < 300; i++) {
      String pattern = randomPattern(random, 4, "ab中");
      Dfa whole = Regex.parse(pattern).dfa();
      Dfa somewhere = Regex.search(pattern).dfa();
      Pattern java = Pattern.compile(pattern);
      for (String text : texts) {
        assertEquals(java.matcher(text).matches(), matches(whole, text), pattern + " on " + text);
        assertEquals(java.matcher(text).find(), matches(somewhere, text), pattern + " in " + text);
      }
    }
  }

  @Test
  void randomPatternsCombineAsSetsDo() {
    SplittableRandom random = new SplittableRandom(SEED);
    List<String> texts = strings("ab", 6);
    for (int i = 0; i < 300; i++) {
      String first = randomPattern(random, 3, "ab");
      String second = randomPattern(random, 3, "ab");
      Regex a = Regex.parse(first);
      Regex b = Regex.parse(second);
      Dfa both = Regex.intersection(a, b).dfa();
      Dfa one = a.minus(b).dfa();
      Dfa neither = Regex.union(a, b).complement().dfa();
      for (String text : texts) {
        boolean inA = text.matches(first);
        boolean inB = text.matches(second);
        String message = first + " and " + second + " on " + text;
        assertEquals(inA && inB, matches(both, text), message);
        assertEquals(inA && !inB, matches(one, text), message);
        assertEquals(!inA && !inB, matches(neither, text), message);
      }
      assertNoDeadEnd(both);
      assertNoDeadEnd(one);
      assertNoDeadEnd(neither);
    }
  }

  /** Every state that is reached can reach an accepting one. */
  private static void assertNoDeadEnd(Dfa automaton) {
    if (automaton.start() == Dfa.DEAD) {
      return;
    }
    Set<Integer> reached = new HashSet<>(List.of(automaton.start()));
    Deque<Integer> open = new ArrayDeque<>(reached);
    while (!open.isEmpty()) {
      int state = open.remove();
      assertTrue(reachesAcceptance(automaton, state), "dead end");
      for (int b = 0; b < 256; b++) {
        int next = automaton.next(state, b);
        if (next != Dfa.DEAD && reached.add(next)) {
          open.add(next);
        }
      }
    }
  }

  private static boolean reachesAcceptance(Dfa automaton, int from) {
    Set<Integer> reached = new HashSet<>(List.of(from));
    Deque<Integer> open = new ArrayDeque<>(reached);
    while (!open.isEmpty()) {
      int state = open.remove();
      if (automaton.accepting(state)) {
        return true;
      }
      for (int b = 0; b < 256; b++) {
        int next = automaton.next(state, b);
        if (next != Dfa.DEAD && reached.add(next)) {
          open.add(next);
        }
      }
    }
    return false;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "^a",
        "b$",
        "^a|b$",
        "^(a|b$)",
        "(^a|b)a",
        "^$",
        "^",
        "a(^b|$)",
        "(^|b)a",
        "(?=a.b)..b",
        "^(?=.*a)(?=.*b).{3}$",
        "^(?!ab)",
        "^(?!.*aa).*b$",
        "a(?!b)",
        "a(?!b$)",
        "(a|b(?=a))",
        "(?:a(?=b)|b(?!a))",
        "^(?:b|(?!aa)[ab]a$)",
      })
  void anchorsAndLookaheadsAreThoseOfJava(String pattern) {
    Dfa automaton = Regex.search(pattern).dfa();
    Pattern java = Pattern.compile(pattern);
    for (String text : strings("ab", 6)) {
      assertEquals(java.matcher(text).find(), matches(automaton, text), pattern + " in " + text);
    }
    assertNoDeadEnd(automaton);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "\\d{3}-\\d{4} 555-1234 555-123",
        "\\w+@\\w+\\.com ab_1@c.com a-b@c.com",
        "\\u4e2d\\u{6587}+ 中文文 中",
        "\\ud83d\\ude00? 😀 😁",
        "[\\p{Script=Han}]+ 百川 百a",
        "\\p{Lu}\\p{Ll}* Ünder under",
        "[^\\p{L}]+ 123 12a",
        "\\P{L}{3} 1-2 1a2",
        "[\\w-]+ a-b a.b",
        "[a-c\\-x]+ a-x d",
        "[]a]{0}b|[^]c xc b",
        "a{,2} a{,2} aa",
        "x{2} xx x{2}",
        "}] }] }",
        "\\.\\/\\-\\$ ./-$ a/-$",
        "(?<year>\\d{4}) 2024 24",
        "\\x41\\cA?\\t? A B",
        "[\\b]?z z b",
        "a{2,}? aaa a",
      })
  void theSyntaxOfEcmaIsRead(String pattern, String matching, String other) {
    Dfa automaton = Regex.parse(pattern).dfa();
    assertTrue(matches(automaton, matching));
    assertFalse(matches(automaton, other));
  }

  @Test
  void aDotIsAnythingButTheEndOfALine() {
    Dfa automaton = Regex.parse(".").dfa();
    for (String line : List.of("\n", "\r", "\u2028", "\u2029")) {
      assertFalse(matches(automaton, line));
    }
    for (String other : List.of("a", "\0", "\u0085", "中", "😀", "\uFFFF")) {
      assertTrue(matches(automaton, other));
    }
    assertFalse(automaton.matches(new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80}));
    assertFalse(automaton.matches(new byte[] {(byte) 0xC0, (byte) 0x80}));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "(a)\\1 3",
        "\\ba 0",
        "(?<=a)b 0",
        "(?<!a)b 0",
        "a(?=b)*c 1",
        "(?:a(?=b))*c 4",
        "(?i)a 0",
        "a** 2",
        "* 0",
        "(a 0",
        "a) 1",
        "[a 0",
        "[z-a] 1",
        "[\\d-z] 1",
        "\\p{Klingon} 2",
        "\\pL 2",
        "\\q 0",
        "\\Z 0",
        "\\u12 0",
        "\\ud800 0",
        "a{3,2} 1",
        "(^a)* 4",
        "a\\ 1",
        "\\u{110000} 0",
        "a{9999999999} 1",
      })
  void whatIsNotReadIsRefusedWithItsPlace(String pattern, int place) {
    InvalidRequestException refused =
        assertThrows(InvalidRequestException.class, () -> Regex.parse(pattern));
    assertEquals("regex", refused.parameter());
    assertTrue(refused.getMessage().contains(" at " + place + ","), refused.getMessage());
  }

  @Test
  void aLanguageThatNeedsTooManyStatesIsRefused() {
    // Which of the last 30 letters were an a takes 2^30 states.
    Dfa automaton = new RegexDfa(Regex.parse("[ab]*a[ab]{30}"), 1 << 20);
    SplittableRandom random = new SplittableRandom(SEED);
    InvalidRequestException refused =
        assertThrows(
            InvalidRequestException.class,
            () -> {
              for (int state = automaton.start(); ; ) {
                state = automaton.next(state, 'a' + random.nextInt(2));
              }
            });
    assertTrue(refused.getMessage().contains("states"), refused.getMessage());
  }

  @Test
  void anIntersectionWithoutTextsIsEmpty() {
    assertEquals(Dfa.DEAD, Regex.intersection(Regex.parse("a+b"), Regex.parse("a*")).dfa().start());
    assertEquals(Dfa.DEAD, Regex.ANY_TEXT.complement().dfa().start());
    assertEquals(Dfa.DEAD, Regex.parse(".*").minus(Regex.ANY_TEXT).dfa().start());
  }

  @Test
  void manyStringsAreOneCompactAutomaton() {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      texts.add("value-" + i);
    }
    Dfa automaton = Regex.strings(texts).dfa();
    assertTrue(matches(automaton, "value-19999"));
    assertTrue(matches(automaton, "value-0"));
    assertFalse(matches(automaton, "value-20000"));
    assertFalse(matches(automaton, "value-"));
  }

  @Test
  void longRepetitionsCountDown() {
    Dfa automaton = Regex.parse("[a-z]{3,100000}").dfa();
    assertTrue(matches(automaton, "abc"));
    assertTrue(matches(automaton, "x".repeat(100_000)));
    assertFalse(matches(automaton, "ab"));
    assertFalse(matches(automaton, "x".repeat(100_001)));
  }
}
