package dev.baichuan4j.internal.engine;

import dev.baichuan4j.internal.engine.draft.Acceptance;
import dev.baichuan4j.internal.engine.draft.DraftPlan;
import dev.baichuan4j.internal.engine.draft.NgramDrafter;
import java.util.List;

/**
 * Gives texts that are being written guesses of their next tokens, which a step verifies together
 * with their last token. A text takes the tokens that it would take without them: its own sampler
 * chooses each from the logits that the guesses before it led to, as long as they are what was
 * chosen. So drafts change how long a text takes, and nothing else.
 */
final class Speculation {
  /** Most drafts of a step: scores keep as many rows of logits. */
  static final int MOST_DRAFTS = Schedule.SCORE_ROWS / 2;

  private final Acceptance acceptance = Acceptance.ofEngine();
  private final DraftPlan plan;
  private final int mostOfText; // in a step
  private final Active[] candidates;
  private int verified; // of this step
  private int accepted;
  private boolean planned;

  /**
   * @param mostOfText most drafts of a text in a step
   * @param mostTexts most texts of a step
   */
  Speculation(DraftPlan plan, int mostOfText, int mostTexts) {
    this.plan = plan;
    this.mostOfText = mostOfText;
    this.candidates = new Active[mostTexts];
  }

  /**
   * Drafts for the texts that are fed one token, and makes them be fed their drafts too.
   *
   * @param active the texts of the step
   * @param base tokens of the step so far, and of the prompts that come
   * @param reading whether there are prompts that come
   * @param room tokens that the step has room for
   * @return drafts of all texts
   */
  int draft(List<Active> active, CachePool cache, int base, boolean reading, int room) {
    verified = 0;
    accepted = 0;
    planned = base > 0;
    if (!planned) {
      return 0;
    }
    plan.begin(base, active.size(), reading, 0);
    if (room <= 0 || !plan.isOpen()) {
      return 0;
    }
    int count = 0;
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      int guesses = a.fed == 1 ? guess(a) : 0;
      if (guesses > 0) {
        plan.add(guesses, a.acceptance.rate(a.drafter.evidence()), false);
        candidates[count++] = a;
      }
    }
    plan.choose(Math.min(room, MOST_DRAFTS));
    int drafts = 0;
    for (int i = 0; i < count; i++) {
      Active a = candidates[i];
      candidates[i] = null;
      int own = plan.drafts(i);
      if (own > 0 && cache.extend(a.sequence, 1 + own)) {
        a.sequence.draft(own);
        a.fed += own;
        drafts += own;
      }
    }
    return drafts;
  }

  private int guess(Active a) {
    Sequence s = a.sequence;
    // The token that is chosen behind the last draft needs its place too.
    int most = Math.min(Math.min(mostOfText, a.request.mostDrafts()), s.room() - 1);
    if (most <= 0) {
      return 0;
    }
    if (a.drafter == null) {
      a.drafter = new NgramDrafter();
      a.acceptance = acceptance.ofText();
    }
    return a.drafter.propose(s.tokens(), s.length(), most);
  }

  /**
   * Learns from the drafts of a text that a step has verified.
   *
   * @param drafted its drafts in this step
   * @param tokens that it has taken
   * @param ended whether it has ended, so that the drafts behind say nothing
   */
  void learn(Active a, int drafted, int tokens, boolean ended) {
    if (drafted == 0) {
      return;
    }
    int right = a.sequence.accepted();
    a.acceptance.learn(a.drafter.evidence(), ended ? right : drafted, right);
    acceptance.learn(a.drafter.evidence(), ended ? right : drafted, right);
    verified += drafted;
    accepted += Math.min(right, tokens - 1); // others may have needed no logits at all
  }

  /** Ends a step. */
  void settle(long nanos) {
    if (planned) {
      plan.settle(verified, 0, accepted, nanos);
    }
  }
}
