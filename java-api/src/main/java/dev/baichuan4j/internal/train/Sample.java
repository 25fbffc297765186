package dev.baichuan4j.internal.train;

import dev.baichuan4j.internal.nn.TrainingBatch;
import java.util.Arrays;

/**
 * Tokens to learn from.
 *
 * @param ids what the model reads
 * @param targets for each token the one that is to follow it, or {@link TrainingBatch#NONE}
 * @param rejected the sample that this one is preferred to; null where there is none
 */
public record Sample(int[] ids, int[] targets, Sample rejected) {
  Sample(int[] ids, int[] targets) {
    this(ids, targets, null);
  }

  /** Returns whether it is one of a pair. */
  boolean isPair() {
    return rejected != null;
  }

  /** Returns how many tokens it has, or the longer one of a pair. */
  int length() {
    return isPair() ? Math.max(ids.length, rejected.ids.length) : ids.length;
  }

  /** Returns how many targets there are. */
  int count() {
    return (int) Arrays.stream(targets).filter(target -> target != TrainingBatch.NONE).count();
  }
}
