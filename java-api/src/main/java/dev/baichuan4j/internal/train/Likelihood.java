package dev.baichuan4j.internal.train;

import dev.baichuan4j.internal.nn.TrainingBatch;
import dev.baichuan4j.internal.nn.TrainingPass;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The negative logarithm of the probability of each target: the mean over all of a step. */
final class Likelihood implements Objective {
  private final RunSettings settings;
  private final TrainingPass pass;

  Likelihood(RunSettings settings, TrainingPass pass) {
    this.settings = settings;
    this.pass = pass;
  }

  @Override
  public Outcome run(List<Sample> samples, long step) {
    int targets = samples.stream().mapToInt(Sample::count).sum();
    double sum = 0;
    int tokens = 0;
    List<TrainingBatch> batches = batches(samples, 1f / targets);
    for (int i = 0; i < batches.size(); i++) {
      sum += pass.run(batches.get(i), noise(batches.get(i), step, i)).sum();
      tokens += batches.get(i).tokens();
    }
    return new Outcome(sum / targets, tokens);
  }

  @Override
  public double evaluate(List<Sample> samples) {
    double sum = 0;
    int targets = 0;
    for (TrainingBatch batch : batches(samples, 0)) {
      TrainingPass.Result result = pass.evaluate(batch);
      sum += result.sum();
      targets += result.targets();
    }
    return sum / targets;
  }

  private List<TrainingBatch> batches(List<Sample> samples, float scale) {
    List<TrainingBatch> batches = new ArrayList<>();
    for (int i = 0; i < samples.size(); i += settings.batch()) {
      TrainingBatch batch = new TrainingBatch();
      for (Sample sample : samples.subList(i, Math.min(i + settings.batch(), samples.size()))) {
        batch.add(sample.ids(), sample.targets(), scale);
      }
      batches.add(batch);
    }
    return batches;
  }

  /** NEFTune's numbers; null for none. */
  private float[] noise(TrainingBatch batch, long step, int number) {
    if (settings.neftune() == 0) {
      return null;
    }
    SplittableRandom random = new SplittableRandom(settings.seed() ^ (step << 20) ^ number);
    return batch.noise(random, settings.neftune(), pass.width());
  }
}
