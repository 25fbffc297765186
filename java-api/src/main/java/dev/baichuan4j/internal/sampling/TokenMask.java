package dev.baichuan4j.internal.sampling;

/**
 * Says which tokens may come next in one text: a grammar, say. It is used by one thread at a time,
 * the engine's, and allocates nothing there.
 *
 * <p>Calls alternate: {@link #mask} says what may come next, one of those tokens is chosen, and
 * {@link #accept} takes note of it.
 */
public interface TokenMask {
  /** No token is forced. */
  int[] NONE = {};

  /**
   * Writes which tokens may come next: token {@code id} may if bit {@code id % 64} of word {@code
   * id / 64} is set, counted from the lowest bit. At least one is set.
   *
   * @param words [ceil(V / 64)]; all of them are written, and bits from V on are clear
   * @return false if every token may come; words are then not read
   */
  boolean mask(long[] words);

  /** Takes note that a token was chosen and belongs to the text now. */
  void accept(int id);

  /**
   * Returns tokens that come next in any case, so that no logits are needed to choose them. They
   * are accepted one by one, as others are, if they are taken.
   */
  default int[] forced() {
    return NONE;
  }
}
