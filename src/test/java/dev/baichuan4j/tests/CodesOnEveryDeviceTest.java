package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Calibration;
import dev.baichuan4j.Device;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.PackedWeights;
import dev.baichuan4j.internal.checkpoint.PackedWeights.Matrix;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.tests.QuantizedCheckpoint.Form;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Codes of published forms, and matrices of several kinds, on the device of this run. */
class CodesOnEveryDeviceTest {
  private static final int[] IDS = {1, 17, 95, 4, 33, 60, 2, 71};

  @TempDir Path folder;

  private static float[][] logits(Path model, Quant weights) {
    try (Engine engine = Logits.engine(model, weights, !TestDevice.isGpu())) {
      return Logits.ofAllPositions(engine, IDS, 0);
    }
  }

  /** Sums are in the order of the kernels of codes. */
  private static void assertNear(float[][] expected, float[][] actual) {
    for (int t = 0; t < IDS.length; t++) {
      Logits.assertNear(expected[t], actual[t], 1e-5, "position " + t);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "micro-baichuan2-7b, GPTQ_3_V2",
    "micro-baichuan2-13b, COMPRESSED_4",
    "micro-llama3, AWQ",
    "micro-qwen2, GPTQ_8_ROW"
  })
  void keptCodesComputeWithTheirNumbers(String family, Form form) throws IOException {
    Path codes = folder.resolve("codes");
    Path numbers = folder.resolve("numbers");
    QuantizedCheckpoint.write(Fixtures.fixture(family), form, codes, numbers, DType.BF16);
    assertNear(logits(numbers, Quant.BF16), logits(codes, Quant.STORED));
  }

  @Test
  void codesOfAFileAreKeptAndPackedOnceForAll() throws IOException {
    // The factors of a head's rows, which a file has from a CPU, may differ in their last bits.
    Path base = Fixtures.fixture("micro-llama3");
    Path file = GgufCheckpoint.write(base, folder.resolve("model.gguf"), GgufWriter.Kind.Q8_0);
    BaichuanLoader loader = Baichuan.loader(file).device(TestDevice.device());
    long planned = loader.memoryPlan().weights();
    try (Baichuan model = loader.load()) {
      assertEquals(Quant.STORED, model.info().weights());
      assertEquals(planned, model.info().memory().weights());
      assertEquals(Map.of(), model.info().quantizationErrors());
    }
    Path packed = folder.resolve("model.bc4j");
    new Conversion(
            Checkpoint.open(file), Target.PACKED, Weights.STORED, packed, 1, ProgressListener.NONE)
        .run(true);
    float[][] expected = logits(file, Quant.STORED);
    float[][] found = logits(packed, Quant.STORED);
    for (int t = 0; t < IDS.length; t++) {
      assertArrayEquals(expected[t], found[t], "position " + t);
    }
  }

  @Test
  void matricesOfSeveralKindsComputeWithTheNumbersOfEach() throws IOException {
    Path text = Files.writeString(folder.resolve("text"), "明月几时有，把酒问青天。".repeat(40));
    Path mixed = folder.resolve("mixed");
    Baichuan.loader(Fixtures.model("tiny-baichuan-7b"))
        .device(Device.cpu())
        .weights(Quant.INT3)
        .quantize(mixed, new Calibration(text, 64, 256).withAverageBits(3.5));
    PackedWeights packed = Checkpoint.open(mixed).packed().orElseThrow();
    long kinds = packed.matrices().values().stream().map(Matrix::kind).distinct().count();
    assertTrue(kinds > 1, kinds + " kinds");
    float[] expected = lastLogits(mixed, Device.cpu());
    Logits.assertNear(expected, lastLogits(mixed, TestDevice.device()), 1e-5, "last position");
  }

  private static float[] lastLogits(Path model, Device device) {
    float[][] last = new float[1][];
    try (Baichuan loaded =
        Baichuan.loader(model).device(device).exact(device.equals(Device.cpu())).load()) {
      loaded.logits(new int[] {5, 6, 7}, false, 0, (at, row) -> last[0] = row.clone());
    }
    return last[0];
  }
}
