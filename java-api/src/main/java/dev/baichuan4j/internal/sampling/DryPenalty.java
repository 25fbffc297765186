package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.Dry;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Lowers the scores of tokens that would prolong a repetition, see {@link Dry}. A token that
 * completes a breaker where it follows a repetition is not lowered, as in llama.cpp. A token costs
 * O(n) of n tokens of prompt and answer.
 */
final class DryPenalty implements ScoreProcessor {
  private final double multiplier;
  private final double base;
  private final int allowedLength;
  private final byte[][] breakers;
  private final Tokens tokens;
  private final TextEnd end;

  private int[] text; // prompt and answer, of which the first size are in use
  private int size;
  private int[] matches; // [size], scratch
  private final BitSet breaking = new BitSet(); // places of the text at which a breaker ends
  private final BitSet prolonging; // [V], tokens that come next in a repetition
  private final int[] lengths; // [V], of the longest repetition that each of those would prolong

  DryPenalty(Dry dry, int[] prompt, Tokens tokens) {
    this.multiplier = dry.multiplier();
    this.base = dry.base();
    this.allowedLength = dry.allowedLength();
    this.breakers =
        dry.breakers().stream()
            .map(breaker -> breaker.getBytes(StandardCharsets.UTF_8))
            .toArray(byte[][]::new);
    this.tokens = tokens;
    int longest = 1;
    for (byte[] breaker : breakers) {
      longest = Math.max(longest, breaker.length);
    }
    this.end = new TextEnd(longest - 1);
    this.text = new int[prompt.length + 64];
    this.matches = new int[text.length];
    this.prolonging = new BitSet(tokens.count());
    this.lengths = new int[tokens.count()];
    for (int id : prompt) {
      append(id);
    }
    update();
  }

  @Override
  public boolean bestMaySuffice() {
    return true;
  }

  @Override
  public void process(Scores scores) {
    for (int place = scores.nextPlace(prolonging, 0);
        place >= 0;
        place = scores.nextPlace(prolonging, place + 1)) {
      int more = lengths[scores.id(place)] - allowedLength;
      double penalty = Math.min(multiplier * StrictMath.pow(base, more), Float.MAX_VALUE);
      scores.set(place, scores.get(place) - penalty);
    }
  }

  @Override
  public void accept(int id) {
    append(id);
    update();
  }

  private void append(int id) {
    if (size == text.length) {
      text = Arrays.copyOf(text, 2 * size);
      matches = new int[text.length];
    }
    if (breakers.length > 0) {
      byte[] bytes = tokens.bytes(id);
      for (byte[] breaker : breakers) {
        if (end.isCompletedBy(bytes, breaker)) {
          breaking.set(size);
        }
      }
      end.append(bytes);
    }
    text[size++] = id;
  }

  /** Finds the tokens that came after what the text ends with, and how long that is. */
  private void update() {
    prolonging.clear();
    int reach = size - 1 - breaking.previousSetBit(size - 1); // tokens since the last breaker
    if (reach < allowedLength) {
      return;
    }
    match();
    for (int back = 1; back < size; back++) {
      int length = Math.min(matches[back], reach);
      int next = size - back; // the place after the earlier one of the repetition
      if (length >= allowedLength && !breaking.get(next)) {
        int id = text[next];
        lengths[id] = prolonging.get(id) ? Math.max(lengths[id], length) : length;
        prolonging.set(id);
      }
    }
  }

  /**
   * For each number of tokens back, finds how many tokens before there are the same as at the end
   * of the text: the Z algorithm (Gusfield 1997) on the text read backwards.
   */
  private void match() {
    int from = 0;
    int to = 0; // the match [from, to) that reaches furthest
    for (int i = 1; i < size; i++) {
      int length = i < to ? Math.min(to - i, matches[i - from]) : 0;
      while (i + length < size && backwards(length) == backwards(i + length)) {
        length++;
      }
      matches[i] = length;
      if (i + length > to) {
        from = i;
        to = i + length;
      }
    }
  }

  private int backwards(int i) {
    return text[size - 1 - i];
  }
}
