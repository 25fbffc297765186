package dev.baichuan4j.internal.engine.draft;

import java.util.Arrays;

/**
 * How long a step of so many tokens takes, each with its logits: the median of the last steps of
 * that size, so that a step during which the machine did something else does not count. What is old
 * is forgotten, because attention takes longer as texts grow.
 */
final class StepTimes {
  /** Most tokens of a step whose time is kept. */
  static final int MOST = 128;

  private static final int KEPT = 9; // an odd number: steps of a size
  private static final int ENOUGH = 3;
  private static final long LIFETIME = 1000; // steps

  private final long[][] nanos = new long[MOST + 1][]; // the last ones, in a ring
  private final int[] counts = new int[MOST + 1];
  private final long[] lastStep = new long[MOST + 1];
  private final long[] medians = new long[MOST + 1];
  private final long[] sorted = new long[KEPT];
  private long steps;

  /** Takes in a step. */
  void add(int tokens, long took) {
    steps++;
    if (tokens > MOST) {
      return;
    }
    if (steps - lastStep[tokens] > LIFETIME) {
      counts[tokens] = 0;
    }
    if (nanos[tokens] == null) {
      nanos[tokens] = new long[KEPT];
    }
    lastStep[tokens] = steps;
    nanos[tokens][counts[tokens]++ % KEPT] = took;
    int kept = Math.min(counts[tokens], KEPT);
    System.arraycopy(nanos[tokens], 0, sorted, 0, kept);
    Arrays.sort(sorted, 0, kept);
    medians[tokens] = sorted[(kept - 1) / 2];
  }

  /** Whether the time of a size is known. */
  boolean isKnown(int tokens) {
    return tokens <= MOST && counts[tokens] >= ENOUGH && steps - lastStep[tokens] <= LIFETIME;
  }

  /** The time of a size that is known. */
  long nanos(int tokens) {
    return medians[tokens];
  }

  /**
   * The time of a step over that of a smaller one that is known, at best: where it is not known,
   * that of the greatest size below that is.
   */
  double atBest(int tokens, int base) {
    return (double) medians[knownUpTo(tokens, base)] / medians[base];
  }

  /** The same at worst: where it is not known, as much longer as there are more tokens. */
  double atWorst(int tokens, int base) {
    int known = knownUpTo(tokens, base);
    return (double) medians[known] / medians[base] * tokens / known;
  }

  private int knownUpTo(int tokens, int base) {
    int known = Math.min(tokens, MOST);
    while (known > base && !isKnown(known)) {
      known--;
    }
    return known;
  }
}
