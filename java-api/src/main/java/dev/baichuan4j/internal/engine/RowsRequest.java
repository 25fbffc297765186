package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;

/**
 * A text whose logits are wanted on the engine's thread, row by row as they are computed; nothing
 * is written. A {@link ScoreRequest} hands out rows on its caller's thread.
 */
public abstract class RowsRequest extends Request {
  /** Which rows are wanted, and how much of the text may be taken from others. */
  public enum Wants {
    /** The rows of all positions, all of which have to be fed. */
    ALL,
    /** The last row. */
    LAST,
    /**
     * The last row, and that what is computed before the last two tokens stays for others: several
     * texts that differ in the last token may each take it over, and none of them takes it away.
     */
    LAST_OF_SIBLINGS
  }

  private final int length;
  private final Wants wants;
  private final int newTokens;
  private final boolean isPart;
  private int reached; // positions whose rows have been given

  /**
   * @param ids at least one
   * @param newTokens how many of them count for the share of the caller
   * @param isPart whether it is a part of a request that is told of by another one
   */
  protected RowsRequest(int[] ids, Wants wants, int newTokens, boolean isPart, Terms terms) {
    super(ids, terms);
    this.length = ids.length;
    this.wants = wants;
    this.newTokens = newTokens;
    this.isPart = isPart;
  }

  @Override
  final boolean isPart() {
    return isPart;
  }

  @Override
  final int positions(int contextLength) {
    return length;
  }

  @Override
  final int tokens() {
    return newTokens;
  }

  @Override
  final int mostShared() {
    return switch (wants) {
      case ALL -> reached;
      case LAST -> length;
      case LAST_OF_SIBLINGS -> Math.max(0, length - 2);
    };
  }

  @Override
  final int mostTokens(int rows) {
    return wants == Wants.ALL ? rows : Integer.MAX_VALUE;
  }

  @Override
  final int rows(Sequence sequence, int count) {
    int end = sequence.cached() + count;
    if (wants != Wants.ALL) {
      return end == length ? 1 : 0;
    }
    return Math.max(0, end - Math.max(sequence.cached(), reached)); // some may be computed anew
  }

  @Override
  final boolean wantsBestLogits(int count) {
    return false;
  }

  @Override
  final FinishReason take(
      Sequence sequence, LogitsRow row, int first, int count, TopLogits best, int contextLength) {
    reached = sequence.cached();
    for (int i = 0; i < count; i++) {
      row.moveTo(first + i, best);
      row(reached - count + i, row);
    }
    return reached == length ? FinishReason.LENGTH : null;
  }

  /**
   * Takes the logits that follow a position.
   *
   * @param row valid during the call
   */
  protected abstract void row(int position, LogitsRow row);
}
