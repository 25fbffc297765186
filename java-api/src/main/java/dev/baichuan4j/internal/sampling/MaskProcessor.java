package dev.baichuan4j.internal.sampling;

/** Leaves the tokens alone that a {@link TokenMask} allows. */
final class MaskProcessor implements ScoreProcessor {
  private final TokenMask mask;
  private final long[] words;
  private boolean known; // words are those of the next token
  private boolean all; // every token may come next

  MaskProcessor(TokenMask mask, int vocabulary) {
    this.mask = mask;
    this.words = new long[(vocabulary + 63) / 64];
  }

  @Override
  public boolean bestMaySuffice() {
    return true; // it lowers scores
  }

  @Override
  public void process(Scores scores) {
    if (!known) {
      all = !mask.mask(words);
      known = true;
    }
    for (int place = 0; !all && place < scores.size(); place++) {
      int id = scores.id(place);
      if ((words[id >>> 6] >>> id & 1) == 0) {
        scores.set(place, Double.NEGATIVE_INFINITY);
      }
    }
  }

  @Override
  public void accept(int id) {
    mask.accept(id);
    known = false;
  }
}
