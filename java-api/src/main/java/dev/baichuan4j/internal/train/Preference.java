package dev.baichuan4j.internal.train;

import dev.baichuan4j.internal.nn.TrainingBatch;
import dev.baichuan4j.internal.nn.TrainingPass;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Direct preference optimization (DPO): of two answers the chosen one is to become likelier than
 * the other, by more than it was in the model that the run begins with. With l the logarithm of an
 * answer's probability and r that of the model in the beginning, the loss of a pair is
 *
 * <pre>
 * -log(sigmoid(beta * ((l(chosen) - l(rejected)) - (r(chosen) - r(rejected)))))
 * </pre>
 *
 * <p>A pair is run forward to know that, and then forward and back with its derivative as the scale
 * of both answers.
 *
 * <p>Source: Rafailov et al. 2023, arXiv:2305.18290.
 */
final class Preference implements Objective {
  private final RunSettings settings;
  private final TrainingPass pass;
  private final Map<Sample, Double> before = new IdentityHashMap<>(); // r(chosen) - r(rejected)

  /**
   * Looks at all pairs with the model as it is: branches add nothing yet.
   *
   * @param samples of the run
   */
  Preference(RunSettings settings, TrainingPass pass, Samples samples) {
    this.settings = settings;
    this.pass = pass;
    for (List<Sample> all : List.of(samples.training(), samples.validation())) {
      for (List<Sample> pairs : batches(all)) {
        double[] margins = margins(pairs);
        for (int i = 0; i < margins.length; i++) {
          before.put(pairs.get(i), margins[i]);
        }
      }
    }
  }

  private List<List<Sample>> batches(List<Sample> samples) {
    List<List<Sample>> batches = new ArrayList<>();
    for (int i = 0; i < samples.size(); i += settings.batch()) {
      batches.add(samples.subList(i, Math.min(i + settings.batch(), samples.size())));
    }
    return batches;
  }

  /** l(chosen) - l(rejected) of each pair; losses are the negative logarithms. */
  private double[] margins(List<Sample> pairs) {
    double[] losses = pass.evaluate(batch(pairs, new float[pairs.size()])).losses();
    double[] margins = new double[pairs.size()];
    for (int i = 0; i < margins.length; i++) {
      margins[i] = losses[2 * i + 1] - losses[2 * i];
    }
    return margins;
  }

  /** Chosen and rejected answers by turns. */
  private static TrainingBatch batch(List<Sample> pairs, float[] scales) {
    TrainingBatch batch = new TrainingBatch();
    for (int i = 0; i < scales.length; i++) {
      Sample chosen = pairs.get(i);
      batch.add(chosen.ids(), chosen.targets(), scales[i]);
      batch.add(chosen.rejected().ids(), chosen.rejected().targets(), -scales[i]);
    }
    return batch;
  }

  /** beta times how much farther apart the answers are than in the beginning. */
  private double[] gains(List<Sample> pairs) {
    double[] gains = margins(pairs);
    for (int i = 0; i < gains.length; i++) {
      gains[i] = settings.beta() * (gains[i] - before.get(pairs.get(i)));
    }
    return gains;
  }

  @Override
  public Outcome run(List<Sample> samples, long step) {
    double sum = 0;
    int tokens = 0;
    for (List<Sample> pairs : batches(samples)) {
      double[] gains = gains(pairs);
      float[] scales = new float[gains.length];
      for (int i = 0; i < gains.length; i++) {
        sum += loss(gains[i]);
        scales[i] = (float) (settings.beta() * Math.exp(-loss(-gains[i])) / samples.size());
      }
      TrainingBatch batch = batch(pairs, scales);
      pass.run(batch, null);
      tokens += batch.tokens();
    }
    return new Outcome(sum / samples.size(), tokens);
  }

  @Override
  public double evaluate(List<Sample> samples) {
    double sum = 0;
    for (List<Sample> pairs : batches(samples)) {
      for (double gain : gains(pairs)) {
        sum += loss(gain);
      }
    }
    return sum / samples.size();
  }

  /** -log(sigmoid(gain)), without overflow. */
  static double loss(double gain) {
    return gain > 0 ? Math.log1p(Math.exp(-gain)) : Math.log1p(Math.exp(gain)) - gain;
  }
}
