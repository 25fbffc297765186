package dev.baichuan4j.internal.train;

import dev.baichuan4j.FineTuner.Schedule;

/**
 * The learning rate of each step: it rises along a line for the steps of the warm-up, and then goes
 * on as the schedule says, to end at 0 behind the last step unless it stays.
 *
 * @param highest rate
 * @param warmup steps in which it rises
 * @param steps of the whole run
 */
record LearningRate(Schedule schedule, double highest, long warmup, long steps) {
  /** Returns the rate of a step, from 1 on. */
  double of(long step) {
    if (step <= warmup) {
      return highest * step / warmup;
    }
    double share = (double) (step - 1 - warmup) / Math.max(steps - warmup, 1);
    return switch (schedule) {
      case CONSTANT -> highest;
      case LINEAR -> highest * (1 - share);
      case COSINE -> highest * (1 + Math.cos(Math.PI * share)) / 2;
    };
  }
}
