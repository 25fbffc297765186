package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.TokenChooser;

/** A text to be continued. */
public abstract class GenerationRequest extends Request {
  private final int maxNewTokens;

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
  protected final long[] allowedTokens() {
    return chooser().mask();
  }

  @Override
  final boolean wantsBestLogits(int count) {
    return chooser().wantsBest(count);
  }

  @Override
  final FinishReason take(
      Sequence sequence, LogitsRow row, int first, int count, TopLogits best, int contextLength) {
    FinishReason reason = takeTokens(sequence, row, first, best, contextLength);
    timeline().drafts(count - 1, sequence.accepted());
    return reason;
  }

  /** Takes tokens as long as they are those that were drafted, and the one behind. */
  private FinishReason takeTokens(
      Sequence sequence, LogitsRow row, int first, TopLogits best, int contextLength) {
    for (int i = first; ; i++) {
      // Behind the first row nobody knew what the mask would be, so the row was ranked without.
      boolean ranked = i == first || chooser().mask() == null;
      row.moveTo(i, ranked ? best : null);
      int token = chooser().next(row);
      timeline().token();
      boolean ended = accept(token);
      boolean foreseen = sequence.append(token);
      if (ended) {
        return FinishReason.STOP;
      }
      if (timeline().generatedTokens() >= maxNewTokens || sequence.length() >= contextLength) {
        return FinishReason.LENGTH;
      }
      if (!foreseen) {
        return null;
      }
      sequence.computed(1); // in this step, as the draft
      FinishReason interruption = interruption();
      if (interruption != null) {
        return interruption;
      }
    }
  }

  /** Guesses of its tokens that were verified. */
  public final int draftedTokens() {
    return timeline().draftedTokens();
  }

  /** How many of them were right. */
  public final int acceptedTokens() {
    return timeline().acceptedTokens();
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
