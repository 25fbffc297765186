package dev.baichuan4j.internal.sampling;

import java.util.BitSet;
import java.util.List;
import java.util.Set;

/** Makes tokens impossible. It only lowers scores, so the best may suffice. */
abstract class Ban implements ScoreProcessor {
  /** Returns the tokens that are impossible at the moment. */
  abstract BitSet banned();

  @Override
  public final boolean bestMaySuffice() {
    return true;
  }

  @Override
  public final void process(Scores scores) {
    BitSet banned = banned();
    for (int place = scores.nextPlace(banned, 0);
        place >= 0;
        place = scores.nextPlace(banned, place + 1)) {
      scores.set(place, Double.NEGATIVE_INFINITY);
    }
  }

  /** Bans tokens for the whole text. */
  static final class OfTokens extends Ban {
    private final BitSet banned = new BitSet();

    OfTokens(Set<Integer> ids) {
      ids.forEach(banned::set);
    }

    @Override
    BitSet banned() {
      return banned;
    }

    @Override
    public void accept(int id) {}
  }

  /** Bans the tokens that end a text until it has a number of tokens. */
  static final class OfEnd extends Ban {
    private static final BitSet NONE = new BitSet();

    private final BitSet ends = new BitSet();
    private int left;

    /**
     * @param least tokens before the text may end; the greatest number for never
     */
    OfEnd(List<Integer> endIds, int least) {
      endIds.forEach(ends::set);
      this.left = least;
    }

    @Override
    BitSet banned() {
      return left > 0 ? ends : NONE;
    }

    @Override
    public void accept(int id) {
      left = Math.max(0, left - 1);
    }
  }
}
