package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StopMatcherTest {

  @Test
  void releasesEverythingAtOnceWithoutStopStrings() {
    StopMatcher matcher = new StopMatcher(List.of());
    assertEquals("你好", matcher.append("你好"));
    assertEquals("", matcher.flush());
    assertFalse(matcher.matched());
  }

  @Test
  void findsAStopStringSplitOverFivePieces() {
    StopMatcher matcher = new StopMatcher(List.of("<end>"));
    assertEquals("text ", matcher.append("text <"));
    for (String piece : List.of("e", "n", "d")) {
      assertEquals("", matcher.append(piece));
      assertFalse(matcher.matched());
    }
    assertEquals("", matcher.append("> more"));
    assertTrue(matcher.matched());
    assertEquals("", matcher.flush());
  }

  @Test
  void releasesWhatTurnsOutNotToBeAStopString() {
    StopMatcher matcher = new StopMatcher(List.of("<end>"));
    assertEquals("a", matcher.append("a<en"));
    assertEquals("<en", matcher.append("<"));
    assertEquals("<em>", matcher.append("em>"));
    assertFalse(matcher.matched());
  }

  @Test
  void flushGivesAPartialStopStringAtTheEnd() {
    StopMatcher matcher = new StopMatcher(List.of("\n\n用户："));
    assertEquals("回答", matcher.append("回答\n\n用"));
    assertEquals("\n\n用", matcher.flush());
    assertEquals("", matcher.flush());
  }

  @Test
  void holdsBackTheLongestPossibleBeginning() {
    StopMatcher matcher = new StopMatcher(List.of("aab"));
    assertEquals("a", matcher.append("aaa"));
    assertEquals("", matcher.append("b"));
    assertTrue(matcher.matched());
  }

  @Test
  void theStopStringThatIsCompleteFirstEndsTheText() {
    StopMatcher matcher = new StopMatcher(List.of("bcde", "cd"));
    assertEquals("ab", matcher.append("abcde"));
    assertTrue(matcher.matched());
  }

  @Test
  void theLongestOfThoseThatAreCompleteAtOnceEndsTheText() {
    for (List<String> stops : List.of(List.of("d", "bcd"), List.of("bcd", "d"))) {
      StopMatcher matcher = new StopMatcher(stops);
      assertEquals("a", matcher.append("abcd"));
    }
  }

  @Test
  void findsEmojiAndReleasesWholeCodePoints() {
    StopMatcher matcher = new StopMatcher(List.of("😀😁"));
    assertEquals("好", matcher.append("好😀"));
    assertEquals("😀", matcher.append("😀"));
    assertEquals("😀😂", matcher.append("😂")); // shares its first half with the stop string
    assertEquals("x", matcher.append("x😀😁😂"));
    assertTrue(matcher.matched());
  }

  @Test
  void rejectsTextAfterAStopString() {
    StopMatcher matcher = new StopMatcher(List.of("."));
    assertEquals("a", matcher.append("a.b"));
    assertThrows(IllegalStateException.class, () -> matcher.append("c"));
  }

  /** Against a search of the whole text, and with the pieces cut anywhere. */
  @Test
  void theOutcomeDoesNotDependOnThePieces() {
    SplittableRandom random = new SplittableRandom(1);
    int found = 0;
    for (int repeat = 0; repeat < 20_000; repeat++) {
      List<String> stops = new ArrayList<>();
      for (int i = random.nextInt(1, 4); i > 0; i--) {
        stops.add(randomText(random, random.nextInt(1, 6)));
      }
      String text = randomText(random, random.nextInt(1, 16));
      StopMatcher matcher = new StopMatcher(stops);
      StringBuilder released = new StringBuilder();
      for (int at = 0; at < text.length() && !matcher.matched(); ) {
        int end = Math.min(text.length(), at + random.nextInt(1, 5));
        released.append(matcher.append(text.substring(at, end)));
        at = end;
      }
      released.append(matcher.flush());
      String expected = beforeStop(text, stops);
      assertEquals(expected, released.toString(), () -> text + " with stops " + stops);
      assertEquals(expected.length() < text.length(), matcher.matched());
      found += matcher.matched() ? 1 : 0;
    }
    assertTrue(found > 2_000 && found < 18_000);
  }

  private static String beforeStop(String text, List<String> stops) {
    for (int end = 1; end <= text.length(); end++) {
      String head = text.substring(0, end);
      int longest = stops.stream().filter(head::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return head.substring(0, end - longest);
      }
    }
    return text;
  }

  private static String randomText(SplittableRandom random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(2)));
    }
    return text.toString();
  }
}
