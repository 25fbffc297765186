package dev.baichuan4j.internal.jinja;

import java.util.Arrays;
import java.util.function.UnaryOperator;

/**
 * A string that knows of each character whether it was given, which is to say that it comes from
 * the conversation, or is the template's own. Two texts are equal if their characters are.
 */
public final class Text implements Comparable<Text> {
  private static final int[] ALL_OWN = {};
  private static final int[] ALL_GIVEN = {0};
  static final Text EMPTY = own("");

  private final String chars;

  /** Where the origin changes, ascending: own before the first edge, given behind it, and so on. */
  private final int[] edges;

  Text(String chars, int[] edges) {
    this.chars = chars;
    this.edges = edges;
  }

  /** Returns a text of the template's or of the program's. */
  public static Text own(String chars) {
    return new Text(chars, ALL_OWN);
  }

  /** Returns a text that somebody else has written. */
  public static Text given(String chars) {
    return new Text(chars, ALL_GIVEN);
  }

  /** Returns whether the character at an offset was given. */
  public boolean isGiven(int offset) {
    int at = Arrays.binarySearch(edges, offset);
    int before = at >= 0 ? at + 1 : -at - 1;
    return (before & 1) == 1;
  }

  /** Returns whether one of the characters from an offset to another, exclusive, was given. */
  public boolean hasGiven(int from, int to) {
    for (int at = from; at < to; at = runEnd(at)) {
      if (isGiven(at)) {
        return true;
      }
    }
    return false;
  }

  /** Returns where the run of one origin ends that the character at an offset is in. */
  int runEnd(int offset) {
    int at = Arrays.binarySearch(edges, offset + 1);
    int next = at >= 0 ? at : -at - 1;
    return next < edges.length ? Math.min(edges[next], chars.length()) : chars.length();
  }

  /** Returns a part, by offsets in UTF-16. */
  public Text slice(int from, int to) {
    if (from == 0 && to == chars.length()) {
      return this;
    }
    if (from >= to) {
      return EMPTY;
    }
    String part = chars.substring(from, to);
    boolean given = isGiven(from);
    int end = runEnd(from);
    if (end >= to) {
      return given ? given(part) : own(part);
    }
    int[] inner = new int[edges.length + 1];
    int count = 0;
    if (given) {
      inner[count++] = 0;
    }
    for (int at = end; at < to; at = runEnd(at)) {
      inner[count++] = at - from;
    }
    return new Text(part, Arrays.copyOf(inner, count));
  }

  Text slice(Budget budget, int from, int to) {
    budget.write(Math.max(0, to - from) + 1L);
    return slice(from, to);
  }

  /** Returns the text with each run of one origin mapped on its own. */
  Text map(Budget budget, UnaryOperator<String> mapping) {
    TextBuilder mapped = new TextBuilder(budget);
    for (int at = 0; at < chars.length(); ) {
      int end = runEnd(at);
      mapped.append(mapping.apply(chars.substring(at, end)), isGiven(at));
      at = end;
    }
    return mapped.toText();
  }

  boolean isEmpty() {
    return chars.isEmpty();
  }

  /** Returns how many characters (code points) there are. */
  int size() {
    return chars.codePointCount(0, chars.length());
  }

  /** Returns the offset of the character of an index, which is at most {@link #size}. */
  int offset(int index) {
    return chars.offsetByCodePoints(0, index);
  }

  int[] edges() {
    return edges;
  }

  @Override
  public int compareTo(Text other) {
    int at = Arrays.mismatch(chars.toCharArray(), other.chars.toCharArray());
    if (at < 0 || at >= chars.length() || at >= other.chars.length()) {
      return Integer.compare(chars.length(), other.chars.length());
    }
    char a = chars.charAt(at);
    char b = other.chars.charAt(at);
    if (Character.isSurrogate(a) != Character.isSurrogate(b)) {
      return Character.isSurrogate(a) ? 1 : -1; // by code points, as Python has it
    }
    return Character.compare(a, b);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Text text && chars.equals(text.chars);
  }

  @Override
  public int hashCode() {
    return chars.hashCode();
  }

  /** Returns the characters. */
  @Override
  public String toString() {
    return chars;
  }
}
