package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Tokenizer;
import java.util.Arrays;
import java.util.List;

/**
 * The tokens that stand for the letters A to D: of each the last one that the tokenizer gives to
 * the letter alone. With the tokenizer of Baichuan 1 that is the letter with a space before it.
 */
final class LetterTokens {
  static final List<String> LETTERS = List.of("A", "B", "C", "D");

  private LetterTokens() {}

  /**
   * Returns the ids of the four.
   *
   * @throws InvalidRequestException if the tokenizer does not tell them apart
   */
  static int[] of(Tokenizer tokenizer) {
    int[] tokens = LETTERS.stream().mapToInt(letter -> last(tokenizer.encode(letter))).toArray();
    if (Arrays.stream(tokens).distinct().count() < LETTERS.size()) {
      throw new InvalidRequestException(
          "tokenizer", "the tokens " + Arrays.toString(tokens) + " for A to D", "four of them");
    }
    return tokens;
  }

  private static int last(int... ids) {
    return ids.length == 0 ? -1 : ids[ids.length - 1];
  }
}
