package dev.baichuan4j.internal.jinja;

import java.util.Arrays;

/** Joins texts, and keeps of each character where it comes from. */
final class TextBuilder {
  private final Budget budget;
  private final StringBuilder chars = new StringBuilder();
  private int[] edges = new int[4];
  private int count;

  TextBuilder(Budget budget) {
    this.budget = budget;
  }

  TextBuilder append(String own) {
    return append(own, false);
  }

  TextBuilder append(String run, boolean given) {
    budget.write(run.length());
    if (!run.isEmpty()) {
      edge(given);
      chars.append(run);
    }
    return this;
  }

  TextBuilder append(Text text) {
    return append(text, 0, text.toString().length());
  }

  /** Appends a part, by offsets in UTF-16. */
  TextBuilder append(Text text, int from, int to) {
    budget.write(Math.max(0, to - from));
    for (int at = from; at < to; ) {
      int end = Math.min(to, text.runEnd(at));
      edge(text.isGiven(at));
      chars.append(text.toString(), at, end);
      at = end;
    }
    return this;
  }

  private void edge(boolean given) {
    if (given != ((count & 1) == 1)) {
      if (count == edges.length) {
        edges = Arrays.copyOf(edges, 2 * count);
      }
      edges[count++] = chars.length();
    }
  }

  int length() {
    return chars.length();
  }

  Text toText() {
    return new Text(chars.toString(), Arrays.copyOf(edges, count));
  }
}
