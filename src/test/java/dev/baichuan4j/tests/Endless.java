package dev.baichuan4j.tests;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.GenerationOptions;
import java.util.Map;

/** Answers that go on until their limit, for tests of what happens meanwhile. */
final class Endless {
  private Endless() {}

  /** Never the end marker; 900 tokens, which take longer than anything that a test does. */
  static GenerationOptions answer(Baichuan model) {
    return GenerationOptions.greedy()
        .withLogitBias(Map.of(model.info().endIds().get(0), -100f))
        .withMaxNewTokens(900);
  }
}
