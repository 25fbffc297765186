package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.tests.QuantizedCheckpoint.Form;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A checkpoint of codes computes what a checkpoint of their numbers computes. */
class QuantizedFormsTest {
  private static final List<String> FAMILIES =
      List.of(
          "micro-baichuan-7b",
          "micro-baichuan-13b",
          "micro-baichuan2-7b",
          "micro-baichuan2-13b",
          "micro-llama3",
          "micro-qwen2",
          "micro-qwen3");

  @TempDir Path folder;

  static Stream<Arguments> familiesInForms() {
    return FAMILIES.stream()
        .flatMap(family -> Arrays.stream(Form.values()).map(form -> Arguments.of(family, form)));
  }

  static Stream<Arguments> familiesInHeldForms() {
    return familiesInForms().filter(arguments -> ((Form) arguments.get()[1]).isHeld());
  }

  private void assertSame(String family, Form form, Quant weights, DType numbers)
      throws IOException {
    Path model = Fixtures.fixture(family);
    Path codes = folder.resolve("codes");
    Path plain = folder.resolve("numbers");
    QuantizedCheckpoint.write(model, form, codes, plain, numbers);
    JsonNode oracle = Fixtures.json(model.resolve("oracle.json"));
    int[] ids = Fixtures.ids(oracle.get("ids").get("short"));
    assertSame(logits(plain, weights, ids), logits(codes, weights, ids));
  }

  private static void assertSame(float[][] expected, float[][] actual) {
    for (int t = 0; t < expected.length; t++) {
      if (TestDevice.isGpu()) {
        Logits.assertNear(expected[t], actual[t], 0, "position " + t);
      } else {
        assertArrayEquals(expected[t], actual[t], "position " + t);
      }
    }
  }

  private static float[][] logits(Path model, Quant weights, int... ids) {
    try (Engine engine = Logits.engine(model, weights, !TestDevice.isGpu())) {
      return Logits.ofAllPositions(engine, ids, 0);
    }
  }

  /** The list of bitsandbytes 0.41 in a pickle, and numbers that bitsandbytes made of it. */
  @ParameterizedTest
  @EnumSource(names = {"BF16", "INT8", "INT4"})
  void baichuan2In4BitsIsReadAsItIsPublished(Quant weights) {
    Path model = Fixtures.fixture("micro-baichuan2-4bits");
    int[] ids = {1, 17, 95, 4, 33, 60, 2, 71};
    assertSame(logits(model.resolve("numbers"), weights, ids), logits(model, weights, ids));
  }

  /** Quantizing once gives what quantizing at load gives. */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.MATCH_ANY,
      names = {"GPTQ_3.*", "AWQ", "NF4"})
  void aFolderOfCodesIsQuantizedOnceForAll(Form form) throws IOException {
    assumeFalse(TestDevice.isGpu()); // what is written is for CPUs
    Path codes = folder.resolve("codes");
    Path packed = folder.resolve("packed");
    Path model = Fixtures.fixture("micro-baichuan2-13b");
    QuantizedCheckpoint.write(model, form, codes, folder.resolve("numbers"), DType.BF16);
    Baichuan.loader(codes).weights(Quant.INT4).quantize(packed);
    int[] ids = {1, 17, 95, 4, 33};
    assertSame(logits(codes, Quant.INT4, ids), logits(packed, Quant.INT4, ids));
  }

  @ParameterizedTest
  @MethodSource("familiesInForms")
  void logitsAreThoseOfTheNumbers(String family, Form form) throws IOException {
    assertSame(family, form, Quant.BF16, DType.BF16);
  }

  @ParameterizedTest
  @EnumSource
  void codesAreQuantizedAnewFromTheirNumbersInF32(Form form) throws IOException {
    assertSame("micro-baichuan2-7b", form, Quant.INT8, DType.F32);
  }

  /** Sums are in the order of the kernels of codes. */
  @ParameterizedTest
  @MethodSource("familiesInHeldForms")
  void keptCodesComputeWithTheirNumbers(String family, Form form) throws IOException {
    Path model = Fixtures.fixture(family);
    Path codes = folder.resolve("codes");
    Path plain = folder.resolve("numbers");
    QuantizedCheckpoint.write(model, form, codes, plain, DType.BF16);
    int[] ids = {1, 17, 95, 4, 33, 60, 2, 71};
    float[][] expected = logits(plain, Quant.BF16, ids);
    float[][] actual = logits(codes, Quant.STORED, ids);
    for (int t = 0; t < ids.length; t++) {
      Logits.assertNear(expected[t], actual[t], 1e-5, "position " + t);
    }
  }

  @ParameterizedTest
  @EnumSource
  void codesAreKeptOrWeightsAreOfTheNearestKindAndTheLossIsTold(Form form) throws IOException {
    Path codes = folder.resolve("codes");
    Path model = Fixtures.fixture("micro-llama3");
    QuantizedCheckpoint.write(model, form, codes, folder.resolve("numbers"), DType.BF16);
    BaichuanLoader loader = Baichuan.loader(codes).device(TestDevice.device());
    long planned = loader.memoryPlan().weights();
    try (Baichuan loaded = loader.load()) {
      assertEquals(planned, loaded.info().memory().weights());
      if (form.isHeld()) {
        assertEquals(Quant.STORED, loaded.info().weights());
        assertEquals(Map.of(), loaded.info().quantizationErrors());
        return;
      }
      Quant nearest = QuantizedWriter.bits(form) == 8 ? Quant.INT8 : Quant.INT4;
      assertEquals(nearest, loaded.info().weights());
      double lost =
          loaded.info().quantizationErrors().get("model.layers.0.self_attn.o_proj.weight");
      assertTrue(lost < (nearest == Quant.INT8 ? 0.01 : 0.12), () -> form + " lost " + lost);
    }
  }
}
