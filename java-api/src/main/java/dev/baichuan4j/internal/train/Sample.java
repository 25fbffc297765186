package dev.baichuan4j.internal.train;

import dev.baichuan4j.internal.nn.TrainingBatch;
import java.util.Arrays;

/**
 * Tokens to learn from.
 *
 * @param ids what the model reads
 * @param targets for each token the one that is to follow it, or {@link TrainingBatch#NONE}
 */
public record Sample(int[] ids, int[] targets) {
  /** Returns how many targets there are. */
  int count() {
    return (int) Arrays.stream(targets).filter(target -> target != TrainingBatch.NONE).count();
  }
}
