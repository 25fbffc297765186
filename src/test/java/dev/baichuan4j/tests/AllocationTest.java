package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.KvType;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.KvCache;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The memory plan says what a model then allocates, on the device that the tests run on. */
class AllocationTest {
  private static final int CONTEXT = 512;
  private static final int TOKENS = 128; // of a step
  private static final int TEXTS = 8; // at once
  private static final ModelShape SHAPE =
      new ModelShape(
          512, 3, 4, 1408, 2048, CONTEXT, ModelShape.Position.ROPE, ModelShape.Head.PLAIN);

  @ParameterizedTest
  @EnumSource(Quant.class)
  void weightsBuffersAndCacheTakeWhatThePlanSays(Quant weights) {
    hold(weights, false);
  }

  @Test
  void aCacheOfInt8TakesWhatThePlanSays() {
    hold(Quant.INT4, true);
  }

  private static void hold(Quant weights, boolean int8Cache) {
    Architecture config = Architecture.of(SHAPE);
    int pages = 2 * Layout.pagesFor(CONTEXT);
    try (Ops ops = TestDevice.ops(false)) {
      Model model = Model.random(ops, config, weights);
      ElementType cache = int8Cache ? ElementType.I8 : TestDevice.cache(model, false);
      MemoryPlan plan = plan(weights, int8Cache, pages * KvCache.pageBytes(config, cache));

      // The norms of a checkpoint have 16 bits, as the plan counts them; those of a random model
      // 32.
      long norms = 2L * (2 * SHAPE.layers() + 1) * SHAPE.hiddenSize();
      assertEquals(plan.weights(), ops.memoryUsed() - norms, weights + ": weights");

      long before = ops.memoryUsed();
      Engine.Limits limits = new Engine.Limits(CONTEXT, pages, cache, TOKENS, TEXTS, 1);
      try (Engine engine = new Engine(model, limits)) {
        long more = ops.memoryUsed() - before - plan.cache() - plan.workspace();
        // The ids, positions, offsets, pages and rows of a step are too small to be planned for.
        assertTrue(more >= 0 && more < 4096, weights + ": " + more + " bytes are not in the plan");
      }
    }
  }

  private static MemoryPlan plan(Quant weights, boolean int8Cache, long cacheBytes) {
    var loader =
        Baichuan.randomLoader(SHAPE)
            .device(TestDevice.device())
            .weights(weights)
            .contextLength(CONTEXT)
            .chunkTokens(TOKENS)
            .maxConcurrent(TEXTS)
            .cacheBytes(cacheBytes);
    return (int8Cache ? loader.cacheType(KvType.INT8) : loader).memoryPlan();
  }
}
