package dev.baichuan4j.internal.sampling;

/**
 * One of the steps between the logits of a model and the choice of a token: a penalty, a bias, a
 * mask. Processors act on the scores one after the other, in a fixed order, before the cuts and the
 * draw. Each keeps what it needs to know of the text that is being written.
 *
 * <p>A choice from the best logits of a row rests on one fact: no score that is left out is above
 * the least logit that is at hand. Lowering scores keeps it true, however far and at whichever
 * token, so penalties and masks work on the best as they do on all: if they lower too many of the
 * best, the {@link Sampler} sees that a score that was left out may matter, and starts again from
 * all logits. A processor that may raise a score breaks the fact, and has to say so.
 */
public interface ScoreProcessor {
  /**
   * Returns whether the best logits may be enough for the next token: false if {@link #process} may
   * raise a score, or if it needs to see the scores of all tokens.
   */
  boolean bestMaySuffice();

  /**
   * Changes scores in place, for those of its tokens that are there. It may be called twice for a
   * token, for the best scores and then for all, and so must not change its own state. It leaves
   * some score above negative infinity if it is given those of all tokens.
   */
  void process(Scores scores);

  /** Takes note that a token was chosen and belongs to the text now. */
  void accept(int id);
}
