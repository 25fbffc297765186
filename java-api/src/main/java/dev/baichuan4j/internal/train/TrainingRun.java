package dev.baichuan4j.internal.train;

import dev.baichuan4j.FineTuner.Listener;
import dev.baichuan4j.FineTuner.Result;
import dev.baichuan4j.FineTuner.Step;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.TrainingException;
import dev.baichuan4j.internal.nn.AdamW;
import dev.baichuan4j.internal.nn.Parameter;
import dev.baichuan4j.internal.nn.Tensor;
import dev.baichuan4j.internal.nn.TrainedWeights;
import dev.baichuan4j.internal.nn.TrainingPass;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The steps of a run. A step takes some batches, adds their gradients, clips them and moves the
 * weights; what it does follows from its number, the settings and the samples alone, so that a run
 * that goes on from a checkpoint gives the numbers of one that was never stopped.
 */
final class TrainingRun {
  private final RunSettings settings;
  private final Samples samples;
  private final TrainedWeights weights;
  private final TrainingPass pass;
  private final AdamW optimizer;
  private final RunFolder folder;
  private final Listener listener;
  private final int saveEvery;
  private final long stepsOfEpoch;
  private final long steps;
  private final LearningRate rate;
  private final List<Tensor> tensors = new ArrayList<>(); // all that a step changes
  private Objective objective;
  private RunState state;
  private List<Sample> order; // of the epoch
  private int orderOf = -1;
  private OptionalDouble validation = OptionalDouble.empty();
  private double loss = Double.NaN;
  private boolean changed; // since the state was written
  private boolean isWhole = true; // the last step's line is in the curve

  TrainingRun(
      RunSettings settings,
      Samples samples,
      TrainedWeights weights,
      TrainingPass pass,
      AdamW optimizer,
      RunFolder folder,
      int saveEvery,
      Listener listener) {
    this.settings = settings;
    this.samples = samples;
    this.weights = weights;
    this.pass = pass;
    this.optimizer = optimizer;
    this.folder = folder;
    this.saveEvery = saveEvery;
    this.listener = listener;
    this.stepsOfEpoch = settings.stepsOf(samples.training().size());
    this.steps = settings.steps(samples.training().size());
    this.rate =
        new LearningRate(
            settings.schedule(), settings.rate(), Math.round(settings.warmup() * steps), steps);
    for (Parameter parameter : weights.parameters()) {
      tensors.add(parameter.weight());
      if (parameter.copy() != null) {
        tensors.add(parameter.copy());
      }
    }
    tensors.addAll(optimizer.tensors());
  }

  /** Goes on from the folder's state to the end. */
  Result run() {
    // A preference compares with the model as it is before that.
    objective =
        samples.arePairs()
            ? new Preference(settings, pass, samples)
            : new Likelihood(settings, pass);
    state = folder.restore(tensors);
    weights.refresh();
    boolean stoppedEarly = isWorn(); // where it was killed between that and its end
    long begin = System.nanoTime();
    long first = state.step();
    try (CurveFile curve = folder.curve(state.curveBytes())) {
      while (state.step() < steps && !stoppedEarly) {
        long started = System.nanoTime();
        Step done = step(state.step() + 1);
        state = new RunState(done.step(), state.best(), state.worse(), state.curveBytes());
        OptionalDouble found = validate(done.step());
        stoppedEarly = isWorn();
        long now = System.nanoTime();
        double secondsLeft = (now - begin) / 1e9 / (done.step() - first) * (steps - done.step());
        Step told = withTimes(done, (now - started) / 1e9, stoppedEarly ? 0 : secondsLeft, found);
        curve.add(told);
        changed = true;
        isWhole = true;
        if (done.step() % saveEvery == 0 || done.step() == steps || stoppedEarly) {
          save(curve);
        }
        listener.step(told);
      }
      if (stoppedEarly) {
        folder.restoreBest(weights.parameters());
      }
      return result(stoppedEarly);
    } catch (OperationInterruptedException e) {
      saveInterrupted();
      throw e;
    }
  }

  /** Whether validation has not got better for as long as the run has patience. */
  private boolean isWorn() {
    return settings.earlyStop() > 0 && state.worse() >= settings.earlyStop();
  }

  private Result result(boolean stoppedEarly) {
    OptionalDouble best =
        Double.isFinite(state.best()) ? OptionalDouble.of(state.best()) : OptionalDouble.empty();
    return new Result(state.step(), loss, validation, best, stoppedEarly, folder.path());
  }

  private void save(CurveFile curve) {
    state = new RunState(state.step(), state.best(), state.worse(), curve.bytes());
    folder.save(state, tensors);
    changed = false;
  }

  /**
   * Saves what is done, unless a step has moved the weights and is not in the curve yet: that is
   * done again from the checkpoint before.
   */
  private void saveInterrupted() {
    if (!changed || !isWhole) {
      return;
    }
    boolean flag = Thread.interrupted(); // which would end writing too
    try {
      folder.save(
          new RunState(state.step(), state.best(), state.worse(), folder.curveBytes()), tensors);
    } finally {
      if (flag) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Numbers of a step, without times. */
  private Step step(long number) {
    Objective.Outcome outcome = objective.run(samplesOf(number), number);
    loss = outcome.loss();
    require(number, "loss", loss);
    pass.finishGradients();
    double norm = optimizer.norm();
    require(number, "gradient's norm", norm);
    double now = rate.of(number);
    isWhole = false;
    optimizer.step(number, now, norm);
    weights.refresh();
    double epoch = (double) number / stepsOfEpoch;
    return new Step(
        number, steps, epoch, loss, now, norm, outcome.tokens(), 0, OptionalDouble.empty());
  }

  private void require(long step, String what, double value) {
    if (!Double.isFinite(value)) {
      throw new TrainingException(
          step,
          what
              + " of step "
              + step
              + " has value "
              + value
              + ", expected a finite number; use a lower learning rate, a longer warm-up or exact"
              + " activations. The folder has the checkpoint that was saved last");
    }
  }

  private static Step withTimes(Step of, double seconds, double left, OptionalDouble validation) {
    return new Step(
        of.step(),
        of.steps(),
        of.epoch(),
        of.loss(),
        of.rate(),
        of.norm(),
        of.tokensPerSecond() / seconds, // it has been their number so far
        left,
        validation);
  }

  private List<Sample> samplesOf(long step) {
    int epoch = (int) ((step - 1) / stepsOfEpoch);
    if (epoch != orderOf) {
      order = samples.epoch(epoch, settings.seed());
      orderOf = epoch;
    }
    int perStep = settings.batch() * settings.accumulate();
    int from = (int) ((step - 1) % stepsOfEpoch) * perStep;
    return order.subList(from, Math.min(from + perStep, order.size()));
  }

  private OptionalDouble validate(long step) {
    long every = settings.evaluateEvery() == 0 ? stepsOfEpoch : settings.evaluateEvery();
    if (samples.validation().isEmpty() || step % every != 0 && step != steps) {
      return OptionalDouble.empty();
    }
    double found = objective.evaluate(samples.validation());
    validation = OptionalDouble.of(found);
    require(step, "validation loss", found);
    boolean isBest = found < state.best();
    state =
        new RunState(
            state.step(),
            isBest ? found : state.best(),
            isBest ? 0 : state.worse() + 1,
            state.curveBytes());
    if (isBest && settings.earlyStop() > 0) {
      folder.saveBest(state, weights.parameters());
    }
    return validation;
  }
}
