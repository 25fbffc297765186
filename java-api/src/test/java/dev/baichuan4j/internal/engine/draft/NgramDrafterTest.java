package dev.baichuan4j.internal.engine.draft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class NgramDrafterTest {
  private static int[] guesses(NgramDrafter drafter, int[] text, int length, int most) {
    int[] room = Arrays.copyOf(text, text.length + most);
    int count = drafter.propose(room, length, most);
    return Arrays.copyOfRange(room, length, length + count);
  }

  @Test
  void whatFollowedBeforeFollowsAgain() {
    int[] text = {1, 2, 3, 4, 5, 9, 8, 1, 2, 3};
    NgramDrafter drafter = new NgramDrafter();
    assertArrayEquals(new int[] {4, 5, 9}, guesses(drafter, text, 10, 3));
    assertEquals(Acceptance.ofMatch(3), drafter.evidence());
  }

  @Test
  void theLongestMatchWinsAndOfEqualOnesTheLatest() {
    int[] longer = {7, 1, 2, 3, 0, 5, 1, 2, 4, 0, 7, 1, 2};
    assertArrayEquals(new int[] {3}, guesses(new NgramDrafter(), longer, 13, 1));
    int[] equal = {6, 1, 2, 3, 0, 5, 1, 2, 4, 0, 7, 1, 2};
    assertArrayEquals(new int[] {4}, guesses(new NgramDrafter(), equal, 13, 1));
  }

  @Test
  void aRepetitionGoesOnBeyondTheEndOfTheText() {
    int[] text = {9, 1, 2, 1, 2};
    assertArrayEquals(new int[] {1, 2, 1, 2, 1}, guesses(new NgramDrafter(), text, 5, 5));
  }

  @Test
  void nothingIsGuessedWhereNothingCameTwice() {
    NgramDrafter drafter = new NgramDrafter();
    assertEquals(0, drafter.propose(new int[10], 1, 5));
    assertArrayEquals(new int[0], guesses(drafter, new int[] {0, 1, 2, 3, 4}, 5, 5));
  }

  /** Against all places of the text: a guess is what follows one that has the longest match. */
  @Test
  void guessesAreThoseOfASearchThroughAllPlaces() {
    long seed = 20261129;
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      int alphabet = 3 + random.nextInt(30);
      int[] text = random.ints(120, 0, alphabet).toArray();
      NgramDrafter drafter = new NgramDrafter();
      int found = 0;
      for (int length = 1; length < text.length; length += 1 + random.nextInt(3)) {
        int[] guess = guesses(drafter, text, length, 1);
        int end = length;
        int longest =
            IntStream.range(1, length).map(place -> common(text, place, end)).max().orElse(0);
        String where = "seed " + seed + " round " + round + " length " + length;
        assertEquals(longest >= 2, guess.length == 1, where);
        if (guess.length == 1) {
          found++;
          long occurrences =
              IntStream.range(2, length).filter(place -> common(text, place, end) >= 2).count();
          if (occurrences <= 8) { // as many as are looked at
            assertTrue(
                IntStream.range(2, length)
                    .filter(place -> common(text, place, end) == longest)
                    .anyMatch(place -> text[place] == guess[0]),
                where);
          }
        }
      }
      assertTrue(alphabet > 20 || found > 0, "seed " + seed + " round " + round);
    }
  }

  private static int common(int[] text, int place, int length) {
    int count = 0;
    while (count < Math.min(place, 32) && text[place - 1 - count] == text[length - 1 - count]) {
      count++;
    }
    return count;
  }
}
