package dev.baichuan4j.internal.engine.draft;

/**
 * Guesses that what followed the last tokens where they stood before follows again: of the places
 * that have the longest end of the text, the latest one. The prompt counts as what was written. As
 * in LZ77 (Ziv and Lempel 1977), places are found by chains of those whose last {@value #GRAM}
 * tokens have the same hash; a token costs O(1), since only the latest {@value #CANDIDATES} of a
 * chain are looked at, each up to {@value #LONGEST} tokens back. Memory is 8 to 12 bytes for each
 * token that the text may have.
 */
public final class NgramDrafter implements Drafter {
  private static final int GRAM = 2;
  private static final int CANDIDATES = 8;
  private static final int LONGEST = 32;

  private int[] latest; // by hash: the place that was noted last, 0 for none
  private int[] earlier; // by place: the one of its hash that was noted before, 0 for none
  private int noted = GRAM - 1; // places up to here are in the chains
  private int matched;

  @Override
  public int propose(int[] text, int length, int most) {
    if (latest == null) {
      latest = new int[Math.max(64, Integer.highestOneBit(text.length) << 1)];
      earlier = new int[text.length];
    }
    while (noted < length - 1) { // the end itself has nothing behind it yet
      noted++;
      int slot = slot(text, noted);
      earlier[noted] = latest[slot];
      latest[slot] = noted;
    }
    int place = most > 0 ? longestMatch(text, length) : 0;
    if (place == 0) {
      return 0;
    }
    for (int i = 0; i < most; i++) {
      text[length + i] = text[place + i]; // beyond the end, what was just guessed
    }
    return most;
  }

  /** The place whose last tokens are those of the text, 0 if there is none. */
  private int longestMatch(int[] text, int length) {
    int best = 0;
    matched = GRAM - 1;
    int place = length < GRAM ? 0 : latest[slot(text, length)];
    for (int i = 0; place != 0 && i < CANDIDATES; i++) {
      int common = common(text, place, length);
      if (common > matched) {
        matched = common;
        best = place;
      }
      place = earlier[place];
    }
    return best;
  }

  /** Tokens before a place that are also the last ones of the text, at most {@value #LONGEST}. */
  private static int common(int[] text, int place, int length) {
    int most = Math.min(place, LONGEST);
    int count = 0;
    while (count < most && text[place - 1 - count] == text[length - 1 - count]) {
      count++;
    }
    return count;
  }

  /** The slot of the {@value #GRAM} tokens before a place (Fibonacci hashing, Knuth 6.4). */
  private int slot(int[] text, int place) {
    long gram = (long) text[place - 2] << 32 | text[place - 1];
    return (int) (gram * 0x9E3779B97F4A7C15L >>> 32) & latest.length - 1;
  }

  @Override
  public int evidence() {
    return Acceptance.ofMatch(matched);
  }
}
