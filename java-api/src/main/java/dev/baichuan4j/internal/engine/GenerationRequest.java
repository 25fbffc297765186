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

  /** Takes tokens as long as they are those that were drafted, and the one behind. */
  private FinishReason takeTokens(
      Sequence sequence, LogitsRow row, int first, TopLogits best, int contextLength) {
    for (int i = first; ; i++) {
      row.moveTo(i, best);
      int token = chooser().next(row);
      boolean ended = accept(token);
      boolean foreseen = sequence.append(token);
      FinishReason reason = endsAfter(ended, sequence, contextLength);
      if (reason != null || !foreseen) {
        return reason != null ? reason : takeForced(sequence, contextLength);
      }
      sequence.computed(1); // in this step, as the draft
      FinishReason interruption = interruption();
      if (interruption != null) {
        return interruption;
      }
    }
  }

  /** Takes tokens that need no logits; the next step feeds them together. */
  private FinishReason takeForced(Sequence sequence, int contextLength) {
    for (int token : chooser().forced()) {
      chooser().take(token);
      boolean ended = accept(token);
      sequence.append(token);
      FinishReason reason = endsAfter(ended, sequence, contextLength);
      if (reason != null) {
        return reason;
      }
    }
    return null;
  }

  private FinishReason endsAfter(boolean ended, Sequence sequence, int contextLength) {
    generated++;
    if (ended) {
      return FinishReason.STOP;
    }
    boolean full = generated >= maxNewTokens || sequence.length() >= contextLength;
    return full ? FinishReason.LENGTH : null;
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
