package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.DeviceException;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.KvType;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Ops;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What only a GPU has: its memory, its types, its ways to cut a prompt. */
class GpuTest {
  private static final String BASE = "tiny-baichuan-7b";

  @BeforeEach
  void onAGpu() {
    assumeTrue(TestDevice.isGpu(), "the device is the CPU");
    assumeTrue(Ops.cudaDevices() > 0, Ops::cudaReason);
  }

  /** With so little room prompts are cut differently beside others than alone. */
  @Test
  void promptsBesideOthersGiveTheTokensThatTheyGiveAlone() {
    GenerationOptions sampling = GenerationOptions.greedy().withMaxNewTokens(3);
    List<int[]> prompts = new ArrayList<>();
    for (int tokens : new int[] {5, 19, 33, 42}) {
      prompts.add(new Random(tokens).ints(tokens, 3, 6000).toArray());
    }
    try (Baichuan model =
        TestDevice.loader(BASE, false).chunkTokens(16).maxConcurrent(4).contextLength(64).load()) {
      List<List<Integer>> alone = new ArrayList<>();
      for (int[] prompt : prompts) {
        alone.add(model.complete(prompt, sampling).result().tokenIds());
      }
      List<Generation> beside = new ArrayList<>();
      for (int[] prompt : prompts) {
        beside.add(model.complete(prompt, sampling));
      }
      for (int i = 0; i < prompts.size(); i++) {
        assertEquals(alone.get(i), beside.get(i).result().tokenIds());
      }
    }
  }

  @Test
  void aModelThatDoesNotFitIsRefusedBeforeAnythingIsLoaded() {
    long terabyte = 1L << 40;
    OutOfDeviceMemoryException refused =
        assertThrows(
            OutOfDeviceMemoryException.class,
            () ->
                TestDevice.loader(BASE, false)
                    .cacheBytes(terabyte)
                    .progress((what, done, total) -> assertEquals("nothing", what))
                    .load());
    assertTrue(refused.neededBytes() > terabyte, refused::getMessage);
    assertTrue(refused.freeBytes() > 0, refused::getMessage);
  }

  @Test
  void aTensorThatDoesNotFitLeavesTheContextUsable() {
    try (Ops ops = TestDevice.ops(false)) {
      long total = ops.memoryInfo()[1];
      OutOfDeviceMemoryException refused =
          assertThrows(OutOfDeviceMemoryException.class, () -> ops.tensor(ElementType.F32, total));
      assertEquals(4 * total, refused.neededBytes());
      ops.tensor(ElementType.F32, 16).close();
    }
  }

  @Test
  void everyKindOfWeightsAndCacheContinuesThePoem() {
    GenerationOptions sampling = GenerationOptions.greedy().withMaxNewTokens(4);
    for (Quant weights : new Quant[] {Quant.BF16, Quant.INT8, Quant.INT4}) {
      for (KvType cache : new KvType[] {KvType.BF16, KvType.INT8}) {
        try (Baichuan model =
            TestDevice.loader(BASE, false).weights(weights).cacheType(cache).load()) {
          String text = model.complete("登鹳雀楼->王之涣\n夜雨寄北->", sampling).result().text();
          assertTrue(text.startsWith("李商隐"), weights + ", " + cache + ": " + text);
        }
      }
    }
  }

  @Test
  void weightsThatACpuHasPackedContinueThePoem(@TempDir Path folder) {
    Path packed = folder.resolve("packed");
    Baichuan.loader(Fixtures.model(BASE)).device(Device.cpu()).weights(Quant.INT4).quantize(packed);
    try (Baichuan model = Baichuan.loader(packed).device(TestDevice.device()).load()) {
      assertEquals(Quant.INT4, model.info().weights());
      GenerationOptions sampling = GenerationOptions.greedy().withMaxNewTokens(4);
      String text = model.complete("登鹳雀楼->王之涣\n夜雨寄北->", sampling).result().text();
      assertTrue(text.startsWith("李商隐"), text);
    }
  }

  @Test
  void whatAGpuHasNotIsRefused() {
    InvalidRequestException exact =
        assertThrows(
            InvalidRequestException.class,
            () ->
                Baichuan.loader(Fixtures.model(BASE))
                    .device(TestDevice.device())
                    .exact(true)
                    .load());
    assertTrue(exact.getMessage().contains("use the CPU"), exact::getMessage);
    InvalidRequestException pinned =
        assertThrows(
            InvalidRequestException.class, () -> TestDevice.loader(BASE, false).pin(true).load());
    assertTrue(pinned.getMessage().startsWith("pin has value true"), pinned::getMessage);
    InvalidRequestException cache =
        assertThrows(
            InvalidRequestException.class,
            () -> TestDevice.loader(BASE, false).cacheType(KvType.F16).load());
    assertTrue(cache.getMessage().contains("expected INT8 or, on a GPU, BF16"), cache::getMessage);
    DeviceException absent =
        assertThrows(
            DeviceException.class,
            () -> Baichuan.loader(Fixtures.model(BASE)).device(Device.cuda(999)).load());
    assertTrue(absent.getMessage().contains("device cuda:999 is not available"));
  }
}
