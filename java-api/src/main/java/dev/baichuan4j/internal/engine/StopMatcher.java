package dev.baichuan4j.internal.engine;

import java.util.List;

/**
 * Finds stop strings in text that arrives in pieces, and holds back what may be the beginning of
 * one. The stop string that is complete first ends the text, of several that are complete at once
 * the longest; so the outcome does not depend on where the pieces are cut. For one thread.
 */
public final class StopMatcher {

  private final List<String> stops;
  private final int longest; // characters of the longest stop string, 0 without any
  private String held = ""; // the longest end of the text that begins a stop string
  private boolean matched;

  /**
   * Creates a matcher.
   *
   * @param stops strings to stop at, none of them empty; may be an empty list
   */
  public StopMatcher(List<String> stops) {
    this.stops = List.copyOf(stops);
    longest = stops.stream().mapToInt(String::length).max().orElse(0);
  }

  /**
   * Takes the next piece of text.
   *
   * @return the text that can no longer be part of a stop string; the text before the stop string
   *     if this piece completes one
   * @throws IllegalStateException if a stop string was found before
   */
  public String append(String piece) {
    if (matched) {
      throw new IllegalStateException("stop matcher: text goes on after a stop string");
    }
    String text = held + piece;
    for (int end = held.length() + 1; end <= text.length(); end++) {
      int length = longestStopEndingAt(text, end);
      if (length > 0) {
        matched = true;
        held = "";
        return text.substring(0, end - length);
      }
    }
    int start = firstPossibleStart(text);
    held = text.substring(start);
    return text.substring(0, start);
  }

  /** Returns whether a stop string was found. */
  public boolean matched() {
    return matched;
  }

  /**
   * Ends the text.
   *
   * @return what was held back; empty if a stop string was found
   */
  public String flush() {
    String rest = held;
    held = "";
    return rest;
  }

  /** Returns the length of the longest stop string that ends there, 0 if none does. */
  private int longestStopEndingAt(String text, int end) {
    int found = 0;
    for (String stop : stops) {
      if (stop.length() > found && text.startsWith(stop, end - stop.length())) {
        found = stop.length();
      }
    }
    return found;
  }

  /** Returns where the longest end of the text starts that begins a stop string. */
  private int firstPossibleStart(String text) {
    for (int start = Math.max(0, text.length() - longest + 1); start < text.length(); start++) {
      for (String stop : stops) {
        if (stop.regionMatches(0, text, start, text.length() - start)) {
          return start;
        }
      }
    }
    return text.length();
  }
}
