package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.Logprobs;

/** A text at whose last positions the log-probabilities of some tokens are wanted. */
public final class LogprobsRequest extends ValueRequest<double[][]> {
  private final int length;
  private final int[][] targets;
  private final double[][] logprobs;
  private int reached; // positions that are done with

  /**
   * @param ids at least one
   * @param targets the tokens to be looked at after each of the last positions, at most as many as
   *     there are ids; the value has a log-probability for each
   */
  public LogprobsRequest(int[] ids, int[][] targets, Terms terms) {
    super(ids, "log-probabilities", terms);
    this.length = ids.length;
    this.targets = targets;
    this.logprobs = new double[targets.length][];
    this.reached = length - targets.length;
  }

  @Override
  int mostShared() {
    return reached; // a position whose logits are wanted has to be fed
  }

  /** A last row is there for every text of a step; more than that are shared. */
  @Override
  int mostTokens(int rowsLeft) {
    return length - reached <= Math.max(1, rowsLeft) ? Integer.MAX_VALUE : Math.max(0, rowsLeft);
  }

  @Override
  int rows(Sequence sequence, int count) {
    return Math.max(0, sequence.cached() + count - Math.max(sequence.cached(), reached));
  }

  @Override
  FinishReason take(
      Sequence sequence, LogitsRow row, int first, int count, TopLogits best, int contextLength) {
    int from = length - targets.length;
    for (int i = 0; i < count; i++) {
      int place = sequence.cached() - count + i - from;
      row.moveTo(first + i, best);
      logprobs[place] = Logprobs.of(row.all(), targets[place]);
    }
    reached = sequence.cached();
    return reached == length ? FinishReason.LENGTH : null;
  }

  @Override
  double[][] result() {
    return logprobs;
  }
}
