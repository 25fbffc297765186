package dev.baichuan4j.internal.sampling;

/** Chooses the tokens of one text, one after the other. It is used by one thread at a time. */
public interface TokenChooser {
  /**
   * Returns which tokens may come next, where not all of them may. It is asked before the step that
   * computes the next row, so that the row is ranked among these tokens, and before {@link
   * #wantsBest}: what it depends on are the tokens chosen so far.
   *
   * @return [ceil(V / 64)], as {@link TokenMask#mask} writes it; valid until {@link #next}, and to
   *     be read only. Null if every token may come
   */
  default long[] mask() {
    return null;
  }

  /**
   * Returns whether the best logits of the next row are worth having. It is asked before a step,
   * which ranks its rows only if one of their choosers says yes.
   *
   * @param count how many of the best there would be
   */
  boolean wantsBest(int count);

  /**
   * Chooses the next token, which then belongs to the text. The token does not depend on whether
   * the best logits of the row are at hand.
   *
   * @param row valid during the call; its logits stay as they are
   */
  int next(LogitsRow row);

  /**
   * Returns tokens that come next in any case, whatever the next logits would be. They belong to
   * the text once they are {@linkplain #take taken}, in this order.
   *
   * @return to be read only; mostly none
   */
  default int[] forced() {
    return TokenMask.NONE;
  }

  /** Takes a token of {@link #forced} as if it had been chosen. */
  default void take(int id) {
    throw new UnsupportedOperationException("no token is forced");
  }
}
