package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.TokenChooser;

/** A text to be continued. */
public abstract class GenerationRequest extends Request {
  private final int maxNewTokens;
  private int generated;

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
    return count == sequence.pending() ? 1 : 0;
  }

  @Override
  final long[] allowedTokens() {
    return chooser().mask();
  }

  @Override
  final boolean wantsBestLogits(int count) {
    return chooser().wantsBest(count);
  }

  @Override
  final FinishReason take(
      Sequence sequence, LogitsRow row, int first, int count, TopLogits best, int contextLength) {
    row.moveTo(first, best);
    int token = chooser().next(row);
    boolean ended = accept(token);
    sequence.append(token);
    generated++;
    if (ended) {
      return FinishReason.STOP;
    }
    boolean full = generated >= maxNewTokens || sequence.length() >= contextLength;
    return full ? FinishReason.LENGTH : null;
  }

  /** Returns what chooses the tokens of this text: the same object for all of them. */
  protected abstract TokenChooser chooser();

  /**
   * Takes the token that was chosen last.
   *
   * @return whether it ends the text
   */
  protected abstract boolean accept(int token);
}
