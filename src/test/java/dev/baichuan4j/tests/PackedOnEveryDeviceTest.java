package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.nn.Ops;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A quantized file gives the bits that quantizing gives, on the device that the tests run on: a GPU
 * puts its panels in an order of its own.
 */
class PackedOnEveryDeviceTest {
  private static final int[] IDS = {1, 5, 17, 40, 3, 60, 22, 9};

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "micro-baichuan-7b, INT8",
    "micro-baichuan2-13b, INT4",
    "micro-llama3, INT8",
    "micro-qwen2, INT4",
    "micro-baichuan2-7b, INT3",
    "micro-qwen2, INT2",
  })
  void logitsHaveTheBitsOfQuantizingThere(String name, Quant quant) {
    // The scalar kernel rounds products that the others fuse, and so may choose other codes.
    assumeFalse(TestDevice.isGpu() && Ops.cpuIsa().equals("scalar"));
    Path model = Fixtures.fixture(name);
    Path file = folder.resolve("model.bc4j");
    Baichuan.loader(model).device(Device.cpu()).threads(1).weights(quant).quantize(file);
    float[][] expected = logits(model, quant);
    float[][] found = logits(file, quant);
    for (int t = 0; t < IDS.length; t++) {
      assertArrayEquals(expected[t], found[t], "position " + t);
    }
  }

  private static float[][] logits(Path model, Quant quant) {
    try (Engine engine = Logits.engine(model, quant, false)) {
      return Logits.ofAllPositions(engine, IDS, 0);
    }
  }

  /** Codes of a GGUF file give the same logits from the file and from a {@code .bc4j} of it. */
  @Test
  void codesOfOtherQuantizersAreKept() throws IOException {
    Path gguf =
        GgufCheckpoint.write(
            Fixtures.fixture("micro-llama3"), folder.resolve("model.gguf"), GgufWriter.Kind.Q8_0);
    Path packed = folder.resolve("model.bc4j");
    new Conversion(
            Checkpoint.open(gguf), Target.PACKED, Weights.STORED, packed, 1, ProgressListener.NONE)
        .run(false);
    assertArrayEquals(logits(gguf, Quant.STORED), logits(packed, Quant.STORED));
  }
}
