package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.Sampling;
import dev.baichuan4j.checkpoint.Checkpoint;
import dev.baichuan4j.engine.Engine;
import dev.baichuan4j.engine.Sampler;
import dev.baichuan4j.nn.ElementType;
import dev.baichuan4j.nn.Model;
import dev.baichuan4j.nn.Ops;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The four families in the four published layouts, against results of the published modelling code.
 */
class MicroCheckpointsTest {
  /** Share of the logits' standard deviation: rounding in f32 over a few hundred terms. */
  private static final double EXACT = 1e-3;

  /** The same with keys and values rounded to f16. */
  private static final double ROUNDED = 2e-2;

  private static Engine engine(Path folder, boolean exact) {
    Ops ops = Ops.cpu(2, exact);
    Model model = Model.load(ops, Checkpoint.open(folder), Quant.BF16, ProgressListener.NONE);
    ElementType cache = exact ? ElementType.F32 : ElementType.F16;
    return new Engine(model, new Engine.Limits(1024, 32, cache, 512, 4, 16));
  }

  private static float[][] logits(Engine engine, int[] ids, boolean all, int chunk) {
    float[][] rows = new float[ids.length][];
    engine.score(ids, all, chunk, (position, row) -> rows[position] = row.clone());
    return rows;
  }

  private static double deviation(float[] row) {
    double mean = 0;
    double squares = 0;
    for (float v : row) {
      mean += v;
      squares += (double) v * v;
    }
    mean /= row.length;
    return Math.sqrt(squares / row.length - mean * mean);
  }

  private static void assertNear(float[] expected, float[] actual, double share, String what) {
    double limit = share * deviation(expected);
    for (int i = 0; i < expected.length; i++) {
      double error = Math.abs(expected[i] - actual[i]);
      assertTrue(error <= limit, what + ": logit " + i + " is off by " + error + " of " + limit);
    }
  }

  @ParameterizedTest(name = "{0}, exact {1}")
  @CsvSource({
    "micro-baichuan-7b,true", "micro-baichuan-7b,false",
    "micro-baichuan-13b,true", "micro-baichuan-13b,false",
    "micro-baichuan2-7b,true", "micro-baichuan2-7b,false",
    "micro-baichuan2-13b,true", "micro-baichuan2-13b,false"
  })
  void logitsAndGreedyIdsAreThoseOfThePublishedCode(String name, boolean exact) throws IOException {
    Path folder = Fixtures.shared("fixtures/" + name);
    JsonNode oracle = Fixtures.json(folder.resolve("oracle.json"));
    Path tensors = folder.resolve("oracle.safetensors");
    double share = exact ? EXACT : ROUNDED;
    try (Engine engine = engine(folder, exact)) {
      for (String part : new String[] {"short", "medium"}) {
        int[] ids = Fixtures.ids(oracle.get("ids").get(part));
        float[][] expected = Fixtures.floats(tensors, part + ".logits");
        float[][] actual = logits(engine, ids, true, 0);
        for (int t = 0; t < ids.length; t++) {
          assertNear(expected[t], actual[t], share, part + " position " + t);
        }
      }
      int[] longIds = Fixtures.ids(oracle.get("ids").get("long"));
      float[][] expected = Fixtures.floats(tensors, "long.logits");
      float[][] actual = logits(engine, longIds, true, 0);
      for (int i = 0; i < expected.length; i++) {
        int position = longIds.length - expected.length + i;
        assertNear(expected[i], actual[position], share, "long position " + position);
      }
      cachedSteps(engine, oracle, Fixtures.floats(tensors, "medium.step_logits"), exact);
    }
  }

  private static void cachedSteps(
      Engine engine, JsonNode oracle, float[][] expected, boolean exact) {
    int[] prompt = Fixtures.ids(oracle.get("ids").get("medium"));
    int[] greedy = Fixtures.ids(oracle.get("medium.greedy_penalty_1.1"));
    int[] all = Arrays.copyOf(prompt, prompt.length + greedy.length);
    System.arraycopy(greedy, 0, all, prompt.length, greedy.length);
    // One token at a time after the prompt, as generation does.
    float[][] rows = logits(engine, all, true, 1);
    Sampler sampler =
        new Sampler(Sampling.greedy().withRepetitionPenalty(1.1f), prompt, expected[0].length);
    int[] chosen = new int[greedy.length];
    for (int i = 0; i < greedy.length; i++) {
      chosen[i] = sampler.next(rows[prompt.length - 1 + i]);
      float[] after = rows[prompt.length + i];
      assertNear(expected[i], after, exact ? EXACT : ROUNDED, "step " + i);
    }
    if (exact) {
      assertArrayEquals(greedy, chosen);
    }
  }

  @ParameterizedTest
  @CsvSource({"micro-baichuan-7b", "micro-baichuan2-13b"})
  void chunksOfAnySizeGiveTheSameBits(String name) throws IOException {
    Path folder = Fixtures.shared("fixtures/" + name);
    int[] ids = Fixtures.ids(Fixtures.json(folder.resolve("oracle.json")).get("ids").get("medium"));
    for (boolean exact : new boolean[] {true, false}) {
      try (Engine engine = engine(folder, exact)) {
        float[][] whole = logits(engine, ids, true, 0);
        for (int chunk : new int[] {1, 7, 64}) {
          float[][] parts = logits(engine, ids, true, chunk);
          for (int t = 0; t < ids.length; t++) {
            assertArrayEquals(whole[t], parts[t], "chunk " + chunk + ", position " + t);
          }
        }
      }
    }
  }
}
