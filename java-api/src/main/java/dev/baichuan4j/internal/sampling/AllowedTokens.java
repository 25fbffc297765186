package dev.baichuan4j.internal.sampling;

/** The tokens that may come next in one text, asked of its mask once for each. */
final class AllowedTokens {
  private final TokenMask mask; // null: every token may always come next
  private final int vocabulary;
  private final long[] words; // [ceil(V / 64)]
  private boolean asked; // what follows is of the next token
  private boolean every;
  private int count;

  /**
   * @param mask null if every token may always come next
   * @param vocabulary V
   */
  AllowedTokens(TokenMask mask, int vocabulary) {
    this.mask = mask;
    this.vocabulary = vocabulary;
    this.words = new long[mask == null ? 0 : (vocabulary + 63) / 64];
  }

  /**
   * Returns a bit for each token, as {@link TokenMask#mask} writes them; null if every token may
   * come next.
   *
   * @throws IllegalStateException if the mask allows no token
   */
  long[] words() {
    ask();
    return every ? null : words;
  }

  /** Returns how many tokens may come next. */
  int count() {
    ask();
    return count;
  }

  private void ask() {
    if (asked) {
      return;
    }
    every = mask == null || !mask.mask(words);
    count = every ? vocabulary : bits();
    if (count == 0) {
      throw new IllegalStateException("sampler: mask has 0 tokens, expected at least one");
    }
    asked = true;
  }

  private int bits() {
    int bits = 0;
    for (long word : words) {
      bits += Long.bitCount(word);
    }
    return bits;
  }

  /** Returns tokens that come next in any case. */
  int[] forced() {
    return mask == null ? TokenMask.NONE : mask.forced();
  }

  /** Takes note that a token was chosen. */
  void accept(int id) {
    asked = false;
    if (mask != null) {
      mask.accept(id);
    }
  }
}
