package dev.baichuan4j.internal.train;

import dev.baichuan4j.FineTuner.Method;
import dev.baichuan4j.FineTuner.Precision;
import dev.baichuan4j.FineTuner.Schedule;
import dev.baichuan4j.internal.lora.Target;
import dev.baichuan4j.internal.nn.AdamW;
import java.util.List;

/**
 * What a run is asked for, with every choice made. Two runs with equal settings, of the same model
 * and samples, give the same numbers.
 *
 * @param weights the name of the kind of matrices that stay
 * @param targets in the order of their products
 * @param ratio of the learning rate of B to that of A
 * @param warmup share of all steps
 * @param beta of a preference
 * @param maxSteps of the run; 0 for no limit
 * @param evaluateEvery steps; 0 for an epoch
 */
public record RunSettings(
    Method method,
    String weights,
    int rank,
    double alpha,
    List<Target> targets,
    double ratio,
    double rate,
    Schedule schedule,
    double warmup,
    int epochs,
    int maxSteps,
    double beta,
    int batch,
    int accumulate,
    Precision precision,
    AdamW.Settings optimizer,
    double neftune,
    int evaluateEvery,
    int earlyStop,
    long seed,
    boolean exact) {
  /** Copies the targets. */
  public RunSettings {
    targets = List.copyOf(targets);
  }

  /** Returns how many steps an epoch of so many samples has. */
  long stepsOf(int samples) {
    long perStep = (long) batch * accumulate;
    return (samples + perStep - 1) / perStep;
  }

  /** Returns how many steps a run on so many samples has. */
  long steps(int samples) {
    long all = stepsOf(samples) * epochs;
    return maxSteps == 0 ? all : Math.min(all, maxSteps);
  }
}
