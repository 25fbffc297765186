package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The four families in the four published layouts, against results of the published modelling code;
 * and relatives with grouped queries, windows, biases, norms of heads, tied heads and scaled RoPE.
 */
class MicroCheckpointsTest {
  /** Share of the logits' standard deviation: rounding in f32 over a few hundred terms. */
  private static final double EXACT = 1e-3;

  /**
   * The same of a row's root mean square error where x, queries, keys and values are rounded to
   * bf16, by 2^-9 at most.
   */
  private static final double ROUNDED = 2e-2;

  private static void assertNear(float[] expected, float[] actual, boolean exact, String what) {
    if (exact) {
      Logits.assertNear(expected, actual, EXACT, what);
    } else {
      Logits.assertRounded(expected, actual, ROUNDED, what);
    }
  }

  @ParameterizedTest(name = "{0}, exact {1}")
  @CsvSource({
    "micro-baichuan-7b,true", "micro-baichuan-7b,false",
    "micro-baichuan-13b,true", "micro-baichuan-13b,false",
    "micro-baichuan2-7b,true", "micro-baichuan2-7b,false",
    "micro-baichuan2-13b,true", "micro-baichuan2-13b,false",
    "micro-llama3,true", "micro-llama3,false",
    "micro-mistral,true", "micro-mistral,false",
    "micro-qwen2,true", "micro-qwen2,false",
    "micro-qwen3,true", "micro-qwen3,false"
  })
  void logitsAndGreedyIdsAreThoseOfThePublishedCode(String name, boolean exact) throws IOException {
    Path folder = Fixtures.fixture(name);
    JsonNode oracle = Fixtures.json(folder.resolve("oracle.json"));
    Path tensors = folder.resolve("oracle.safetensors");
    try (Engine engine = Logits.engine(folder, Quant.BF16, exact)) {
      for (String part : new String[] {"short", "medium"}) {
        int[] ids = Fixtures.ids(oracle.get("ids").get(part));
        float[][] expected = Fixtures.floats(tensors, part + ".logits");
        float[][] actual = Logits.ofAllPositions(engine, ids, 0);
        for (int t = 0; t < ids.length; t++) {
          assertNear(expected[t], actual[t], exact, part + " position " + t);
        }
      }
      int[] longIds = Fixtures.ids(oracle.get("ids").get("long"));
      float[][] expected = Fixtures.floats(tensors, "long.logits");
      float[][] actual = Logits.ofAllPositions(engine, longIds, 0);
      for (int i = 0; i < expected.length; i++) {
        int position = longIds.length - expected.length + i;
        assertNear(expected[i], actual[position], exact, "long position " + position);
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
    float[][] rows = Logits.ofAllPositions(engine, all, 1);
    Sampler sampler =
        new Sampler(
            GenerationOptions.greedy().withRepetitionPenalty(1.1f), prompt, expected[0].length);
    LogitsRow row =
        new LogitsRow(
            expected[0].length,
            (i, logits) -> System.arraycopy(rows[i], 0, logits, 0, logits.length));
    int[] chosen = new int[greedy.length];
    for (int i = 0; i < greedy.length; i++) {
      row.moveTo(prompt.length - 1 + i, null);
      chosen[i] = sampler.next(row);
      float[] after = rows[prompt.length + i];
      assertNear(expected[i], after, exact, "step " + i);
    }
    if (exact) {
      assertArrayEquals(greedy, chosen);
    }
  }

  @ParameterizedTest
  @CsvSource({"micro-baichuan-7b", "micro-baichuan2-13b", "micro-mistral", "micro-qwen3"})
  void chunksOfAnySizeGiveTheSameBits(String name) throws IOException {
    boolean relative = !name.startsWith("micro-baichuan");
    assumeFalse(TestDevice.isGpu() && relative, "the native tests have it for a GPU");
    Path folder = Fixtures.fixture(name);
    int[] ids = Fixtures.ids(Fixtures.json(folder.resolve("oracle.json")).get("ids").get("medium"));
    for (boolean exact : TestDevice.isGpu() ? new boolean[] {false} : new boolean[] {true, false}) {
      try (Engine engine = Logits.engine(folder, Quant.BF16, exact)) {
        float[][] whole = Logits.ofAllPositions(engine, ids, 0);
        for (int chunk : new int[] {1, 7, 64}) {
          float[][] parts = Logits.ofAllPositions(engine, ids, chunk);
          Logits.assertSameInPieces(whole, parts, "chunk " + chunk);
        }
      }
    }
  }
}
