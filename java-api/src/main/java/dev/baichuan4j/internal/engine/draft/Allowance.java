package dev.baichuan4j.internal.engine.draft;

/**
 * What drafts may lose: a share of the time, and what they have won before. It is counted in tokens
 * of a text, as many as the same time would have given without drafts. A step whose drafts may all
 * be wrong is paid for in advance, so that the loss is bounded whatever the guesses are worth.
 */
final class Allowance {
  /** The share of the time that drafts may cost where they win nothing. */
  static final double SHARE = 0.01;

  private static final double AT_FIRST = 1;
  private static final double MOST = 64; // so that the gains of one text do not pay for ever

  private double tokens = AT_FIRST;

  /** Whether a step may lose so many tokens. */
  boolean covers(double loss) {
    return loss <= tokens;
  }

  /**
   * Settles a step.
   *
   * @param texts of the step, which took longer for all of them
   * @param wanting how many of them want drafts: their time is what a share is given of
   * @param ratio the time that it took, over that without drafts
   * @param accepted tokens that it gave beyond one for each text
   */
  void settle(int texts, int wanting, double ratio, int accepted) {
    double won = accepted - texts * (ratio - 1);
    tokens = Math.max(-MOST, Math.min(MOST, tokens + SHARE * wanting * ratio + won));
  }
}
