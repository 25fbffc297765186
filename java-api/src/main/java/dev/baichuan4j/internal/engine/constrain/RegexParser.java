package dev.baichuan4j.internal.engine.constrain;

import dev.baichuan4j.InvalidRequestException;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads regular expressions: the syntax of ECMA-262 with the flag {@code u}, without what is not
 * regular (backreferences) and without what looks back.
 *
 * <p>Taken: alternatives, groups of all kinds that only group, {@code * + ? {n} {n,} {n,m}} and
 * their lazy forms (which match the same texts), {@code .}, classes with ranges and negation,
 * {@code \d \D \w \W \s \S}, {@code \p{...}} and {@code \P{...}}, the escapes of characters, {@code
 * ^} and {@code $} outside of repetitions, and {@code (?=...)} and {@code (?!...)} where nothing
 * but the rest of the pattern follows. A brace or a closing bracket that has no other meaning
 * stands for itself.
 */
final class RegexParser {
  private static final int MAX_LENGTH = 1 << 16;
  private static final int MAX_DEPTH = 250;

  private final String pattern;
  private final boolean anywhere;
  private int at;
  private int depth;

  private RegexParser(String pattern, boolean anywhere) {
    this.pattern = pattern;
    this.anywhere = anywhere;
  }

  /**
   * Reads a pattern.
   *
   * @param anywhere whether the language is that of the texts in which the pattern matches
   *     somewhere, and not of those that it matches
   */
  static Regex parse(String pattern, boolean anywhere) {
    RegexParser parser = new RegexParser(pattern, anywhere);
    if (pattern.length() > MAX_LENGTH) {
      throw parser.refuse("at most " + MAX_LENGTH + " characters", "" + pattern.length());
    }
    AnchoredRegex all = parser.alternatives(true);
    if (parser.at < pattern.length()) {
      throw parser.refuse("a group that opens before", "\")\"");
    }
    return anywhere ? all.search() : all.whole();
  }

  /** A part of a sequence: something to match, or a condition on all that follows. */
  private record Part(AnchoredRegex match, boolean ahead, boolean negative) {}

  /**
   * @param last whether the pattern ends with this
   */
  private AnchoredRegex alternatives(boolean last) {
    if (++depth > MAX_DEPTH) {
      throw refuse("groups that nest at most " + MAX_DEPTH + " deep", "more");
    }
    List<AnchoredRegex> all = new ArrayList<>();
    all.add(sequence(last));
    while (at < pattern.length() && pattern.charAt(at) == '|') {
      at++;
      all.add(sequence(last));
    }
    depth--;
    return AnchoredRegex.union(all);
  }

  private AnchoredRegex sequence(boolean last) {
    List<Part> parts = new ArrayList<>();
    StringBuilder literal = new StringBuilder();
    while (at < pattern.length() && pattern.charAt(at) != '|' && pattern.charAt(at) != ')') {
      int before = at;
      int character = literalCharacter();
      if (character >= 0 && !quantifierFollows()) {
        literal.appendCodePoint(character);
        continue;
      }
      at = before;
      flush(literal, parts);
      parts.add(part(last));
    }
    flush(literal, parts);
    AnchoredRegex rest = AnchoredRegex.of(Regex.EMPTY);
    for (int i = parts.size() - 1; i >= 0; i--) {
      Part part = parts.get(i);
      rest =
          part.ahead
              ? rest.where(part.match, part.negative, anywhere)
              : AnchoredRegex.concat(part.match, rest);
    }
    return rest;
  }

  private static void flush(StringBuilder literal, List<Part> parts) {
    if (!literal.isEmpty()) {
      parts.add(new Part(AnchoredRegex.of(Regex.literal(literal.toString())), false, false));
      literal.setLength(0);
    }
  }

  /** Reads a character that stands for itself or is escaped; -1, and reads nothing, otherwise. */
  private int literalCharacter() {
    int c = pattern.codePointAt(at);
    if (c == '\\') {
      return new ClassParser(pattern, at).escapedCharacter(end -> at = end);
    }
    if ("^$.*+?()[|".indexOf(c) >= 0 || c == '{' && quantifierFollows()) {
      return -1;
    }
    if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
      throw refuse("whole characters", "half of a surrogate pair");
    }
    at += Character.charCount(c);
    return c;
  }

  private boolean quantifierFollows() {
    if (at >= pattern.length()) {
      return false;
    }
    char c = pattern.charAt(at);
    return c == '*' || c == '+' || c == '?' || c == '{' && bracesEnd() > 0;
  }

  /** Where {@code {n,m}} at this place ends; -1 if this is not one. */
  private int bracesEnd() {
    int end = digits(at + 1);
    if (end == at + 1) {
      return -1;
    }
    if (end < pattern.length() && pattern.charAt(end) == ',') {
      end = digits(end + 1);
    }
    return end < pattern.length() && pattern.charAt(end) == '}' ? end + 1 : -1;
  }

  private int digits(int from) {
    int end = from;
    while (end < pattern.length() && pattern.charAt(end) >= '0' && pattern.charAt(end) <= '9') {
      end++;
    }
    return end;
  }

  private Part part(boolean last) {
    char c = pattern.charAt(at);
    if (c == '^' || c == '$') {
      at++;
      AnchoredRegex anchor = c == '^' ? AnchoredRegex.START : AnchoredRegex.END;
      if (quantifierFollows()) {
        throw refuse("no quantifier behind " + c, "\"" + pattern.charAt(at) + "\"");
      }
      return new Part(anchor, false, false);
    }
    if (pattern.startsWith("(?=", at) || pattern.startsWith("(?!", at)) {
      return lookahead(last);
    }
    int before = at;
    AnchoredRegex atom = atom(last);
    if (!quantifierFollows()) {
      return new Part(atom, false, false);
    }
    if (last && c == '(') { // what is repeated is followed by itself
      at = before;
      atom = atom(false);
    }
    return new Part(quantified(atom), false, false);
  }

  private Part lookahead(boolean last) {
    boolean negative = pattern.charAt(at + 2) == '!';
    if (!last) {
      throw refuse(
          "a lookahead outside of repetitions and of groups that something follows",
          "\"" + pattern.substring(at, at + 3) + "\"");
    }
    int open = at;
    at += 3;
    AnchoredRegex condition = alternatives(false);
    close(open);
    if (quantifierFollows()) {
      at = open;
      throw refuse("no quantifier behind a lookahead", "one");
    }
    if (condition.isAnchoredAtStart()) {
      at = open;
      throw refuse("no ^ in a lookahead", "one");
    }
    return new Part(condition, true, negative);
  }

  private AnchoredRegex atom(boolean last) {
    char c = pattern.charAt(at);
    switch (c) {
      case '(' -> {
        return group(last);
      }
      case '*', '+', '?' -> throw refuse("something to repeat before it", "\"" + c + "\"");
      case '{' -> throw refuse("something to repeat before it", "\"{\"");
      case '.' -> {
        at++;
        return AnchoredRegex.of(Regex.characters(ClassParser.DOT));
      }
      default -> {
        int character = literalCharacter();
        CodePoints set =
            character >= 0
                ? CodePoints.range(character, character)
                : new ClassParser(pattern, at).set(end -> at = end);
        return AnchoredRegex.of(Regex.characters(set));
      }
    }
  }

  private AnchoredRegex group(boolean last) {
    int open = at;
    if (pattern.startsWith("(?:", at)) {
      at += 3;
    } else if (pattern.startsWith("(?<=", at) || pattern.startsWith("(?<!", at)) {
      throw refuse("no lookbehind", "\"" + pattern.substring(at, at + 4) + "\"");
    } else if (pattern.startsWith("(?<", at)) {
      int end = pattern.indexOf('>', at);
      if (end < 0) {
        throw refuse("the name of a group and \">\"", "the end of the pattern");
      }
      at = end + 1;
    } else if (pattern.startsWith("(?", at)) {
      int end = Math.min(pattern.length(), at + 3);
      throw refuse("(, (?:, (?<name>, (?= or (?!", "\"" + pattern.substring(at, end) + "\"");
    } else {
      at++;
    }
    boolean alone = last && endsAfterGroup(open);
    AnchoredRegex inner = alternatives(alone);
    close(open);
    return inner;
  }

  /** Whether nothing follows a group but the end of what it is in. */
  private boolean endsAfterGroup(int open) {
    int level = 0;
    boolean inClass = false;
    for (int i = open; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      if (c == '\\') {
        i++;
      } else if (inClass) {
        inClass = c != ']';
      } else if (c == '[') {
        inClass = true;
      } else if (c == '(') {
        level++;
      } else if (c == ')' && --level == 0) {
        return i + 1 == pattern.length() || "|)".indexOf(pattern.charAt(i + 1)) >= 0;
      }
    }
    return false;
  }

  private void close(int open) {
    if (at >= pattern.length()) {
      at = open;
      throw refuse("\")\" for this group", "none");
    }
    at++;
  }

  private AnchoredRegex quantified(AnchoredRegex atom) {
    AnchoredRegex repeated = atom;
    int from = at;
    char c = pattern.charAt(at);
    int min = c == '+' ? 1 : 0;
    int max = c == '?' ? 1 : Regex.UNBOUNDED;
    if (c == '{') {
      int end = bracesEnd();
      String[] bounds = pattern.substring(at + 1, end - 1).split(",", -1);
      min = count(bounds[0]);
      max = bounds.length == 1 ? min : bounds[1].isEmpty() ? Regex.UNBOUNDED : count(bounds[1]);
      if (max < min) {
        throw refuse("a range that ascends", pattern.substring(at, end));
      }
      at = end;
    } else {
      at++;
    }
    if (at < pattern.length() && pattern.charAt(at) == '?') {
      at++; // lazy: the same texts
    }
    if (quantifierFollows()) {
      throw refuse("one quantifier", "\"" + pattern.charAt(at) + "\"");
    }
    if (max > 1 && repeated.isAnchored()) {
      at = from;
      throw refuse("no ^, $ or lookahead within a repetition", "one");
    }
    return repeated.repeat(min, max);
  }

  private int count(String digits) {
    if (digits.length() > 9) {
      throw refuse("a count below 1000000000", digits);
    }
    return Integer.parseInt(digits);
  }

  private InvalidRequestException refuse(String expected, String found) {
    return refuse(pattern, at, expected, found);
  }

  static InvalidRequestException refuse(String pattern, int at, String expected, String found) {
    String shown = pattern.length() <= 200 ? pattern : pattern.substring(0, 200) + "...";
    return new InvalidRequestException(
        "regex", "regex \"" + shown + "\" has " + found + " at " + at + ", expected " + expected);
  }
}
