package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.FineTuner.Precision;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.lora.Target;
import dev.baichuan4j.internal.nn.AdamW;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.nn.TrainedWeights;
import dev.baichuan4j.internal.nn.TrainingBatch;
import dev.baichuan4j.internal.nn.TrainingPass;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Training steps give the loss curve of PyTorch on the published modelling code, which
 * tools/train-goldens/make.py has written down.
 */
class TrainingCurveTest {
  private static final List<Target> TARGETS =
      List.of(Target.QKV, Target.OUTPUT, Target.GATE, Target.UP, Target.DOWN);

  @ParameterizedTest
  @CsvSource({
    "tiny-baichuan-7b, full",
    "tiny-baichuan-7b, lora",
    "tiny-baichuan2-13b-chat, full",
    "tiny-baichuan2-13b-chat, lora"
  })
  void lossesAreThoseOfPyTorch(String name, String method) throws IOException {
    JsonNode golden = Fixtures.json(Fixtures.fixture("training/" + name + "-" + method + ".json"));
    JsonNode samples = Fixtures.json(Fixtures.fixture("training/samples.json")).get(name);
    try (Ops ops = Ops.cpu(0, true);
        Model model =
            Model.load(
                ops,
                Checkpoint.open(Fixtures.model(name)),
                Quant.BF16,
                ops.facts(),
                ProgressListener.NONE);
        TrainedWeights weights = weights(model, golden);
        TrainingPass pass = new TrainingPass(model, weights, 512, 4, 256, method.equals("lora"));
        AdamW optimizer = new AdamW(ops, weights.parameters(), settings(golden), 0)) {
      for (int step = 0; step < golden.get("losses").size(); step++) {
        TrainingBatch batch = batch(samples, step, golden.get("batch").asInt());
        double loss = pass.run(batch, null).sum() / batch.rows();
        pass.finishGradients();
        double norm = optimizer.norm();
        optimizer.step(step + 1, golden.get("rate").asDouble(), norm);
        weights.refresh();
        double expected = golden.get("losses").get(step).asDouble();
        assertEquals(expected, loss, 1e-3, "loss of step " + step);
        assertEquals(
            1, norm / golden.get("norms").get(step).asDouble(), 1e-3, "norm of step " + step);
      }
    }
  }

  private static TrainedWeights weights(Model model, JsonNode golden) {
    return golden.get("method").asText().equals("full")
        ? TrainedWeights.full(model, Precision.F32)
        : TrainedWeights.lora(
            model,
            new LinkedHashSet<>(TARGETS),
            golden.get("rank").asInt(),
            golden.get("alpha").asDouble(),
            1,
            golden.get("seed").asLong());
  }

  private static AdamW.Settings settings(JsonNode golden) {
    return new AdamW.Settings(
        (float) golden.get("betas").get(0).asDouble(),
        (float) golden.get("betas").get(1).asDouble(),
        (float) golden.get("eps").asDouble(),
        (float) golden.get("decay").asDouble(),
        golden.get("max_norm").asDouble(),
        false);
  }

  private static TrainingBatch batch(JsonNode samples, int step, int size) {
    int[][] ids = new int[size][];
    int[][] targets = new int[size][];
    for (int i = 0; i < size; i++) {
      JsonNode sample = samples.get((step * size + i) % samples.size());
      ids[i] = Fixtures.ids(sample.get("ids"));
      int[] labels = Fixtures.ids(sample.get("labels"));
      targets[i] = new int[labels.length];
      for (int t = 0; t < labels.length; t++) {
        boolean has = t + 1 < labels.length && labels[t + 1] >= 0;
        targets[i][t] = has ? labels[t + 1] : TrainingBatch.NONE;
      }
    }
    long count =
        Arrays.stream(targets)
            .flatMapToInt(Arrays::stream)
            .filter(target -> target != TrainingBatch.NONE)
            .count();
    TrainingBatch batch = new TrainingBatch();
    for (int i = 0; i < size; i++) {
      batch.add(ids[i], targets[i], 1f / count);
    }
    return batch;
  }
}
