package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.FineTuner.Precision;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.nn.Parameter;
import dev.baichuan4j.internal.nn.TrainedWeights;
import dev.baichuan4j.internal.nn.TrainingBatch;
import dev.baichuan4j.internal.nn.TrainingPass;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The gradient of every tensor of every architecture, against the difference of the loss along it:
 * with u the gradient over its length, (L(w + h u) - L(w - h u)) / 2h is that length but for terms
 * of h squared. The models have grouped queries, biases, a tied or a normalized head, norms of
 * heads, YaRN, ALiBi and windows among them.
 */
class TrainingGradientsTest {
  private static final int[] LENGTHS = {70, 1, 23}; // longer than the window of 48

  @ParameterizedTest
  @ValueSource(
      strings = {
        "micro-baichuan-7b",
        "micro-baichuan-13b",
        "micro-baichuan2-7b",
        "micro-baichuan2-13b",
        "micro-llama3",
        "micro-mistral",
        "micro-qwen2",
        "micro-qwen3"
      })
  void gradientsAreThoseOfDifferences(String name) {
    try (Ops ops = Ops.cpu(0, true);
        Model model =
            Model.load(
                ops,
                Checkpoint.open(Fixtures.fixture(name)),
                Quant.BF16,
                ops.facts(),
                ProgressListener.NONE);
        TrainedWeights weights = TrainedWeights.full(model, Precision.F32);
        TrainingPass pass = new TrainingPass(model, weights, 128, 3, 128, false)) {
      TrainingBatch batch = batch(model.architecture().vocabularySize());
      pass.run(batch, null);
      pass.finishGradients();
      for (Parameter parameter : weights.parameters()) {
        float[] gradient = numbers(parameter, true);
        double length = length(gradient);
        assertTrue(length > 0, parameter.name() + " has no gradient");
        // The loss changes by a hundredth, unless that takes a large step.
        double step = Math.min(0.005 / length, 0.003 * length(numbers(parameter, false)) + 1e-4);
        double found =
            (lossAt(pass, weights, batch, parameter, gradient, step / length)
                    - lossAt(pass, weights, batch, parameter, gradient, -step / length))
                / (2 * step);
        double closer =
            (lossAt(pass, weights, batch, parameter, gradient, step / 2 / length)
                    - lossAt(pass, weights, batch, parameter, gradient, -step / 2 / length))
                / step;
        // Without the term of h squared. A mean loss in F32 errs by some millionths.
        double slope = (4 * closer - found) / 3;
        double tolerance = 2e-3 * length + 4e-6 / step;
        assertTrue(tolerance < 0.2 * length, parameter.name() + " is lost in rounding");
        assertEquals(length, slope, tolerance, parameter.name());
      }
    }
  }

  private static TrainingBatch batch(int vocabulary) {
    Random random = new Random(7);
    TrainingBatch batch = new TrainingBatch();
    for (int length : LENGTHS) {
      int[] ids = random.ints(length, 0, vocabulary).toArray();
      int[] targets = random.ints(length, 0, vocabulary).toArray();
      for (int i = 0; i < length; i += 3) {
        targets[i] = TrainingBatch.NONE;
      }
      if (length == 1) {
        targets[0] = 5;
      }
      batch.add(ids, targets, 1f / 60);
    }
    return batch;
  }

  private static float[] numbers(Parameter parameter, boolean ofGradient) {
    float[] numbers = new float[Math.toIntExact(parameter.elements())];
    (ofGradient ? parameter.gradient() : parameter.weight()).read(0, numbers);
    return numbers;
  }

  private static double length(float[] numbers) {
    double sum = 0;
    for (float number : numbers) {
      sum += (double) number * number;
    }
    return Math.sqrt(sum);
  }

  /** The loss where a tensor has moved along a direction, which is taken back. */
  private static double lossAt(
      TrainingPass pass,
      TrainedWeights weights,
      TrainingBatch batch,
      Parameter parameter,
      float[] direction,
      double by) {
    float[] before = numbers(parameter, false);
    float[] moved = before.clone();
    for (int i = 0; i < moved.length; i++) {
      moved[i] += (float) (by * direction[i]);
    }
    parameter.weight().write(moved);
    weights.refresh();
    double loss = pass.evaluate(batch).sum() / 60;
    parameter.weight().write(before);
    weights.refresh();
    return loss;
  }
}
