package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Pooling;
import dev.baichuan4j.internal.nn.Forward;

/**
 * A text whose hidden states, after the last norm, become one vector [C]. The mean is added up in
 * double and in the order of the positions, so it does not depend on where the text was cut.
 */
public final class EmbedRequest extends ValueRequest<float[]> {
  private static final int BLOCK = 64; // hidden states that are copied at once

  private final int length;
  private final boolean all;
  private double[] sum; // [C] of the hidden states so far; null before the first
  private float[] block; // [BLOCK,C], or [1,C] where only the last one is wanted
  private int reached; // positions that are done with

  /**
   * @param ids at least one
   */
  public EmbedRequest(int[] ids, Pooling pooling, Terms terms) {
    super(ids, "embedding", terms);
    this.length = ids.length;
    this.all = pooling == Pooling.MEAN;
  }

  @Override
  int mostShared() {
    return all ? reached : length; // a position whose hidden state is wanted has to be fed
  }

  @Override
  int mostTokens(int rows) {
    return Integer.MAX_VALUE;
  }

  @Override
  int hiddenStates(Sequence sequence, int count) {
    int end = sequence.cached() + count;
    if (!all) {
      return end == length ? 1 : 0;
    }
    return Math.max(0, end - Math.max(sequence.cached(), reached)); // some may be computed anew
  }

  @Override
  FinishReason takeHidden(Sequence sequence, Forward step, int first, int count) {
    int size = step.hiddenSize();
    if (sum == null) {
      sum = new double[size];
      block = new float[(all ? BLOCK : 1) * size];
    }
    for (int done = 0; done < count; done += BLOCK) {
      int rows = Math.min(BLOCK, count - done);
      step.hidden(first + done, rows, block);
      for (int i = 0; i < rows * size; i++) {
        sum[i % size] += block[i];
      }
    }
    reached = sequence.cached();
    return reached == length ? FinishReason.LENGTH : null;
  }

  @Override
  float[] result() {
    float[] mean = new float[sum.length];
    int states = all ? length : 1;
    for (int i = 0; i < mean.length; i++) {
      mean[i] = (float) (sum[i] / states);
    }
    return mean;
  }
}
