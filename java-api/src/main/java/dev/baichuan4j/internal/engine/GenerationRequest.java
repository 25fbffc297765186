package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.TokenChooser;

/** A text to be continued. */
public abstract class GenerationRequest extends Request {
  private final int maxNewTokens;
  private int generated;
  private int drafted;
  private int accepted;

  /**
   * @param prompt ids, at least one
   * @param maxNewTokens most tokens to generate, at least one
   */
  protected GenerationRequest(int[] prompt, int maxNewTokens, Terms terms) {
    super(prompt, terms);
    this.maxNewTokens = maxNewTokens;
  }

  @Override
  final int positions(int contextLength) {
    return (int) Math.min((long) prompt().length + maxNewTokens, contextLength);
  }

  @Override
  int mostShared() {
    return Integer.MAX_VALUE;
  }

  @Override
  final int mostTokens(int rows) {
    return Integer.MAX_VALUE;
  }

  @Override
  final int rows(Sequence sequence, int count) {
    int drafts = sequence.drafted();
    return count == sequence.pending() + drafts ? 1 + drafts : 0;
  }

  @Override
  final boolean wantsBestLogits(int count) {
    return chooser().wantsBest(count);
  }

  @Override
  final FinishReason take(
      Sequence sequence, LogitsRow row, int first, int count, TopLogits best, int contextLength) {
    drafted += count - 1;
    FinishReason reason = takeTokens(sequence, row, first, best, contextLength);
    accepted += sequence.accepted();
    return reason;
  }

  /**
   * Takes tokens as long as they are those that were drafted, and the one behind; and after each
   * one that is chosen those that need no logits, whether they were drafted or not.
   */
  private FinishReason takeTokens(
      Sequence sequence, LogitsRow row, int first, TopLogits best, int contextLength) {
    for (int i = first; ; i++) {
      row.moveTo(i, best);
      int token = chooser().next(row);
      int[] forced = chooser().forced();
      boolean foreseen = false;
      for (int j = 0; j <= forced.length; j++) {
        if (j > 0) {
          token = forced[j - 1];
          chooser().take(token);
          i += foreseen ? 1 : 0; // the row of the token before it is not needed
        }
        boolean ended = accept(token);
        foreseen = sequence.append(token);
        FinishReason reason = endsAfter(ended, foreseen, sequence, contextLength);
        if (reason != null) {
          return reason;
        }
      }
      if (!foreseen) {
        return null;
      }
    }
  }

  private FinishReason endsAfter(
      boolean ended, boolean foreseen, Sequence sequence, int contextLength) {
    generated++;
    if (ended) {
      return FinishReason.STOP;
    }
    if (generated >= maxNewTokens || sequence.length() >= contextLength) {
      return FinishReason.LENGTH;
    }
    if (!foreseen) {
      return null;
    }
    sequence.computed(1); // in this step, as the draft
    return interruption();
  }

  /** Guesses of its tokens that were verified. */
  protected final int draftedTokens() {
    return drafted;
  }

  /** How many of them were right. */
  protected final int acceptedTokens() {
    return accepted;
  }

  /** Returns what chooses the tokens of this text: the same object for all of them. */
  protected abstract TokenChooser chooser();

  @Override
  protected int mostDrafts() {
    return 0;
  }

  /**
   * Takes the token that was chosen last.
   *
   * @return whether it ends the text
   */
  protected abstract boolean accept(int token);
}
