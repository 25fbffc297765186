package dev.baichuan4j.internal.engine;

import dev.baichuan4j.internal.engine.draft.Acceptance;
import dev.baichuan4j.internal.engine.draft.DraftPlan;
import dev.baichuan4j.internal.engine.draft.NgramDrafter;
import java.util.Arrays;
import java.util.List;

/**
 * Gives texts that are being written guesses of their next tokens, which a step verifies together
 * with their last token. A text takes the tokens that it would take without them: its own sampler
 * chooses each from the logits that the guesses before it led to, as long as they are what was
 * chosen. So drafts change how long a text takes, and nothing else.
 */
final class Speculation implements AutoCloseable {
  /** Most drafts of a step: scores keep as many rows of logits. */
  static final int MOST_DRAFTS = Schedule.SCORE_ROWS / 2;

  private final Acceptance acceptance = Acceptance.ofEngine();
  private final DraftPlan plan;
  private final DraftModel model; // null for none
  private final int mostOfText; // in a step
  private final Active[] candidates;
  private final Active[] modelled; // candidates whose drafts are the model's
  private final int[] modelledDrafts;
  private int verified; // of this step
  private int deepest; // drafts of this step that the model made one after the other
  private int accepted;
  private boolean planned;

  /**
   * Takes over the draft model.
   *
   * @param model null for none
   * @param mostOfText most drafts of a text in a step
   * @param mostTexts most texts of a step
   */
  Speculation(DraftPlan plan, DraftModel model, int mostOfText, int mostTexts) {
    this.plan = plan;
    this.model = model;
    this.mostOfText = mostOfText;
    this.candidates = new Active[mostTexts];
    this.modelled = new Active[mostTexts];
    this.modelledDrafts = new int[mostTexts];
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
    deepest = 0;
    accepted = 0;
    planned = base > 0;
    if (!planned) {
      return 0;
    }
    if (model != null) {
      model.takeSpent(); // of a step that failed
      model.read(active, acceptance);
    }
    int wanting = 0;
    for (int i = 0; i < active.size(); i++) {
      wanting += active.get(i).fed == 1 && active.get(i).request.mostDrafts() > 0 ? 1 : 0;
    }
    plan.begin(base, active.size(), wanting, reading, model == null ? 0 : model.nanos());
    if (wanting == 0 || room <= 0 || !plan.isOpen()) {
      return 0;
    }
    int count = 0;
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      if (a.fed == 1 && offer(a)) {
        candidates[count++] = a;
      }
    }
    plan.choose(Math.min(room, MOST_DRAFTS));
    proposeModelled(count);
    int drafts = 0;
    for (int i = 0, next = 0; i < count; i++) {
      Active a = candidates[i];
      int own =
          a.evidence == Acceptance.MODEL && plan.drafts(i) > 0
              ? modelledDrafts[next++]
              : plan.drafts(i);
      candidates[i] = null;
      if (own > 0 && cache.extend(a.sequence, 1 + own)) {
        a.sequence.draft(own);
        a.fed += own;
        drafts += own;
      }
    }
    return drafts;
  }

  /** Offers the plan the drafts of a text; false if there are none. */
  private boolean offer(Active a) {
    Sequence s = a.sequence;
    // The token that is chosen behind the last draft needs its place too.
    int most = Math.min(Math.min(mostOfText, a.request.mostDrafts()), s.room() - 1);
    if (most <= 0) {
      return false;
    }
    if (a.drafter == null) {
      a.drafter = new NgramDrafter();
      a.acceptance = acceptance.ofText();
    }
    int found = a.drafter.propose(s.tokens(), s.length(), most);
    a.evidence = a.drafter.evidence();
    if (model != null
        && DraftModel.isReady(a)
        && (found == 0 || a.acceptance.rate(a.evidence) < a.acceptance.rate(Acceptance.MODEL))) {
      a.evidence = Acceptance.MODEL;
      found = most;
    }
    if (found > 0) {
      plan.add(found, a.acceptance.rate(a.evidence), a.evidence == Acceptance.MODEL);
    }
    return found > 0;
  }

  private void proposeModelled(int count) {
    int texts = 0;
    for (int i = 0; i < count; i++) {
      if (candidates[i].evidence == Acceptance.MODEL && plan.drafts(i) > 0) {
        modelled[texts] = candidates[i];
        modelledDrafts[texts++] = plan.drafts(i);
        deepest = Math.max(deepest, plan.drafts(i));
      }
    }
    if (texts > 0) {
      model.propose(modelled, modelledDrafts, texts);
      Arrays.fill(modelled, 0, texts, null);
    }
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
    a.acceptance.learn(a.evidence, ended ? right : drafted, right);
    acceptance.learn(a.evidence, ended ? right : drafted, right);
    verified += drafted;
    accepted += tokens - 1;
  }

  /** Ends a step that took a time. */
  void settle(long nanos) {
    long guessing = model == null ? 0 : model.takeSpent();
    if (planned) {
      plan.settle(verified, deepest, accepted, nanos - guessing);
    }
  }

  /** A text has ended, or lost its pages for a while. */
  void end(Active a) {
    a.sequence.draft(0);
    if (model != null) {
      model.end(a);
    }
  }

  /** A text has failed. */
  void discard(Active a) {
    if (model != null) {
      model.discard(a);
    }
  }

  @Override
  public void close() {
    if (model != null) {
      model.close();
    }
  }
}
