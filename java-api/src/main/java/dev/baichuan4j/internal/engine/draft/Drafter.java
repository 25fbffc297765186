package dev.baichuan4j.internal.engine.draft;

/** Guesses how one text goes on. It sees the text as it grows, and is used by one thread. */
public interface Drafter {
  /**
   * Writes the tokens that may follow behind a text.
   *
   * @param text begins with all that it was given before; the guesses go to {@code length} and on
   * @param length tokens of the text, at least one
   * @param most guesses, for which there is room
   * @return how many there are, from 0 on
   */
  int propose(int[] text, int length, int most);

  /** How well founded the last guesses are: one of the classes of {@link Acceptance}. */
  int evidence();
}
