package dev.baichuan4j.internal.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Texts cut into parts, each of which keeps its origin. */
final class Splitting {
  private Splitting() {}

  /**
   * As Python's {@code split} and {@code rsplit}.
   *
   * @param separator null for any blank space
   * @param most how many cuts at most; negative for all
   */
  static List<Object> split(Budget budget, Text text, Text separator, long most, boolean fromEnd) {
    long cuts = most < 0 ? Long.MAX_VALUE : most;
    if (separator == null) {
      return fromEnd ? wordsFromEnd(budget, text, cuts) : words(budget, text, cuts);
    }
    if (separator.isEmpty()) {
      throw TemplateException.failed("empty separator");
    }
    budget.search(text, separator);
    String s = text.toString();
    String by = separator.toString();
    List<Object> parts = new ArrayList<>();
    if (fromEnd) {
      int end = s.length();
      while (cuts-- > 0 && end >= by.length()) {
        int found = s.lastIndexOf(by, end - by.length());
        if (found < 0) {
          break;
        }
        parts.add(part(budget, text, found + by.length(), end));
        end = found;
      }
      parts.add(part(budget, text, 0, end));
      Collections.reverse(parts);
      return parts;
    }
    int at = 0;
    for (int found = s.indexOf(by); found >= 0 && cuts-- > 0; found = s.indexOf(by, at)) {
      parts.add(part(budget, text, at, found));
      at = found + by.length();
    }
    parts.add(part(budget, text, at, s.length()));
    return parts;
  }

  private static Text part(Budget budget, Text text, int from, int to) {
    budget.elements(1);
    return text.slice(budget, from, to);
  }

  private static List<Object> words(Budget budget, Text text, long cuts) {
    String s = text.toString();
    List<Object> words = new ArrayList<>();
    int at = 0;
    while (true) {
      while (at < s.length() && Blanks.isBlank(s.charAt(at))) {
        at++;
      }
      if (at == s.length()) {
        return words;
      }
      int end = at;
      if (words.size() >= cuts) {
        end = s.length();
      }
      while (end < s.length() && !Blanks.isBlank(s.charAt(end))) {
        end++;
      }
      words.add(part(budget, text, at, end));
      at = end;
    }
  }

  private static List<Object> wordsFromEnd(Budget budget, Text text, long cuts) {
    String s = text.toString();
    List<Object> words = new ArrayList<>();
    int end = s.length();
    while (true) {
      while (end > 0 && Blanks.isBlank(s.charAt(end - 1))) {
        end--;
      }
      if (end == 0) {
        Collections.reverse(words);
        return words;
      }
      int at = end;
      if (words.size() >= cuts) {
        at = 0;
      }
      while (at > 0 && !Blanks.isBlank(s.charAt(at - 1))) {
        at--;
      }
      words.add(part(budget, text, at, end));
      end = at;
    }
  }

  static List<Object> lines(Budget budget, Text text, boolean keepEnds) {
    String s = text.toString();
    List<Object> lines = new ArrayList<>();
    for (int at = 0; at < s.length(); ) {
      int end = at;
      while (end < s.length() && !Blanks.isLineEnd(s.charAt(end))) {
        end++;
      }
      int next = Math.min(s.length(), s.startsWith("\r\n", end) ? end + 2 : end + 1);
      lines.add(part(budget, text, at, keepEnds ? next : end));
      at = next;
    }
    return lines;
  }

  static Tuple partition(Budget budget, Text text, Text separator, boolean fromEnd) {
    if (separator.isEmpty()) {
      throw TemplateException.failed("empty separator");
    }
    budget.search(text, separator);
    String s = text.toString();
    String by = separator.toString();
    int at = fromEnd ? s.lastIndexOf(by) : s.indexOf(by);
    if (at < 0) {
      return new Tuple(
          fromEnd ? List.of(Text.EMPTY, Text.EMPTY, text) : List.of(text, Text.EMPTY, Text.EMPTY));
    }
    int behind = at + by.length();
    return new Tuple(
        List.of(
            text.slice(budget, 0, at),
            text.slice(budget, at, behind),
            text.slice(budget, behind, s.length())));
  }
}
