package dev.baichuan4j.internal.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.KvType;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.ModelShape.Position;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.nn.DeviceFacts;
import dev.baichuan4j.internal.nn.ElementType;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the published models take of a GPU, in bytes of 10^9 to the GB as they are published. */
class MemoryPlanTest {
  private static final int CHUNK = 2048;
  private static final int TEXTS = 64;
  private static final int SIZES_64_AND_128 = 1 << 7 | 1 << 15;
  private static final DeviceFacts GPU =
      new DeviceFacts(
          1,
          16,
          Set.of(ElementType.F16, ElementType.BF16, ElementType.I8),
          SIZES_64_AND_128,
          9,
          false,
          true);
  private static final DeviceFacts CPU =
      new DeviceFacts(2, 32, Set.of(ElementType.BF16), -1, 1, true, false);

  private static Architecture baichuan2With13b() {
    return Architecture.of(
        new ModelShape(5120, 40, 40, 13696, 125696, 4096, Position.ALIBI, Head.NORM));
  }

  private static MemoryPlan plan(
      Architecture config, Quant quant, KvType cache, int context, boolean gpu) {
    int pages = Layout.pagesFor(context);
    MemoryEstimate estimate = new MemoryEstimate(config, quant, gpu ? GPU : CPU, Optional.empty());
    return estimate.plan(cache, pages, estimate.workspace(CHUNK, TEXTS));
  }

  /** Baichuan 2's own tables say 15.8 and 9.7 GB. */
  @Test
  void weightsAndBuffersOf13bStayBelowThePublishedFigures() {
    MemoryPlan int8 = plan(baichuan2With13b(), Quant.INT8, KvType.BF16, 4096, true);
    assertTrue(int8.total() - int8.cache() < 15.0e9, int8::toString);
    MemoryPlan int4 = plan(baichuan2With13b(), Quant.INT4, KvType.BF16, 4096, true);
    assertTrue(int4.total() - int4.cache() < 8.3e9, int4::toString);
  }

  @Test
  void a7bInInt4HoldsThreeThousandPagesBesideItIn80Gigabytes() {
    Architecture config =
        Architecture.of(
            new ModelShape(4096, 32, 32, 11008, 64000, 4096, Position.ROPE, Head.PLAIN));
    MemoryPlan plan = plan(config, Quant.INT4, KvType.INT8, 196_608, true);
    assertTrue(plan.total() < 80e9 * 0.9, plan::toString);
  }

  @Test
  void theEmbeddingTableIsNoneOfAGpusMemory() {
    Architecture config = baichuan2With13b();
    long onGpu = plan(config, Quant.BF16, KvType.BF16, 64, true).weights();
    long onCpu = plan(config, Quant.BF16, KvType.BF16, 64, false).weights();
    assertEquals(125696L * 5120 * 2, onCpu - onGpu);
  }
}
