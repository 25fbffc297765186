package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import dev.baichuan4j.internal.checkpoint.PackedWeights;
import dev.baichuan4j.internal.checkpoint.StoredRows;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.checkpoint.WeightRows;
import dev.baichuan4j.internal.checkpoint.gguf.GgufKind;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.inspect.Verification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Codes of other programs are kept in a {@code .bc4j} file, and compute what they did. */
class StoredCodesTest {
  private static final String CHAT = "tiny-baichuan2-13b-chat";
  private static final int[] IDS = {1, 17, 95, 4, 33, 60, 2, 71};

  @TempDir Path folder;

  private Map<String, Double> convert(Path model, String form, Path out) {
    return new Conversion(
            Checkpoint.open(model),
            Target.parse(form),
            Weights.STORED,
            out,
            2,
            ProgressListener.NONE)
        .run(true);
  }

  private Path packed(Path model) {
    Path out = folder.resolve("model.bc4j");
    convert(model, "bc4j", out);
    return out;
  }

  private static float[][] logits(Path model) {
    try (Engine engine = Logits.engine(model, Quant.STORED, false)) {
      return Logits.ofAllPositions(engine, IDS, 0);
    }
  }

  /** Numbers of codes that are kept are those of the file before, but for the last bit of f32. */
  private static void assertSameNumbers(Checkpoint before, Checkpoint after) {
    int compared = 0;
    for (TensorSpec spec : before.architecture().tensors()) {
      TensorEntry entry = before.tensor(spec.name());
      if (after.packed().orElseThrow().holds(spec.name())
          && entry.rows().flatMap(StoredRows::codes).isPresent()) {
        int rows = (int) spec.shape()[0];
        float[] expected = WeightRows.read(entry, 0, rows);
        float[] found = WeightRows.read(after.numbers(spec), 0, rows);
        float most = 0;
        for (float number : expected) {
          most = Math.max(most, Math.abs(number));
        }
        // The scales of Q5_K, which have 17 bits, are rounded to 11.
        float error = entry.rows().get().kind().startsWith("Q5_K") ? 0x1p-10f : 0x1p-22f;
        assertArrayEquals(expected, found, most * error, spec.name());
        compared++;
      }
    }
    assertTrue(compared > 0);
  }

  /** The packed file computes the same bits, and all of it is told as before. */
  private static void assertSame(Path model, Path packed) {
    float[][] expected = logits(model);
    float[][] found = logits(packed);
    for (int t = 0; t < IDS.length; t++) {
      assertArrayEquals(expected[t], found[t], "position " + t);
    }
    try (Baichuan before = Baichuan.loader(model).device(Device.cpu()).load();
        Baichuan after = Baichuan.loader(packed).device(Device.cpu()).load()) {
      assertEquals(Quant.STORED, before.info().weights());
      assertEquals(Quant.STORED, after.info().weights());
      assertEquals(before.info().memory(), after.info().memory());
      assertEquals(before.info().traffic(), after.info().traffic());
    }
    assertSameNumbers(Checkpoint.open(model), Checkpoint.open(packed));
    assertEquals(List.of(), Verification.run(Checkpoint.open(packed), ProgressListener.NONE));
  }

  @ParameterizedTest
  @CsvSource({CHAT + ", q4_0", CHAT + ", q8_0", "tiny-baichuan-7b, q4_1"})
  void aGgufFileKeepsItsCodes(String name, String weights) throws IOException {
    assumeFalse(TestDevice.isGpu());
    Path gguf = folder.resolve("model.gguf");
    new Conversion(
            Checkpoint.open(Fixtures.model(name)),
            Target.GGUF,
            Weights.parse(weights),
            gguf,
            2,
            ProgressListener.NONE)
        .run(true);
    assertSame(gguf, packed(gguf));
  }

  /** Kinds of queries, keys and values differ; a kind that cannot be kept is the nearest one. */
  @ParameterizedTest
  @CsvSource({"micro-baichuan2-7b", "micro-llama3", "micro-qwen2", "micro-qwen3"})
  void aGgufFileOfManyKindsKeepsEach(String family) throws IOException {
    assumeFalse(TestDevice.isGpu());
    Path model = Fixtures.fixture(family);
    boolean wide = Checkpoint.open(model).architecture().hiddenSize() % 256 == 0;
    Path gguf =
        GgufCheckpoint.write(
            model, folder.resolve("model.gguf"), GgufWriter.Kind.Q8_0, name -> kind(name, wide));
    Path packed = packed(gguf);
    assertSame(gguf, packed);
    Checkpoint checkpoint = Checkpoint.open(packed);
    assertEquals(
        checkpoint.architecture().head() == ModelShape.Head.NORM,
        checkpoint.find(PackedWeights.HEAD_SCALE).isPresent(),
        "factors of the head's rows");
    PackedWeights found = checkpoint.packed().orElseThrow();
    String attention = "model.layers.0.self_attn.";
    assertEquals("5-bit min/32", found.kindOf(attention + "q_proj.weight").toString());
    assertEquals("4-bit symmetric/32", found.kindOf(attention + "k_proj.weight").toString());
    assertEquals(
        wide ? PackedTensorKind.Q8.toString() : "8-bit symmetric/32",
        found.kindOf(attention + "v_proj.weight").toString());
  }

  private static Optional<GgufKind> kind(String name, boolean wide) {
    return Stream.of(
            Map.entry("attn_q.weight", GgufKind.Q5_1),
            Map.entry("attn_k.weight", GgufKind.Q4_0),
            Map.entry("attn_v.weight", wide ? GgufKind.Q6_K : GgufKind.Q8_0),
            Map.entry("attn_output.weight", GgufKind.IQ4_NL),
            Map.entry("ffn_gate.weight", wide ? GgufKind.Q5_K : GgufKind.Q5_0),
            Map.entry("output.weight", GgufKind.Q5_1),
            Map.entry("token_embd.weight", GgufKind.Q4_1))
        .filter(entry -> name.endsWith(entry.getKey()))
        .map(Map.Entry::getValue)
        .findFirst();
  }

  private static Stream<Arguments> heldForms() {
    return Stream.of(QuantizedCheckpoint.Form.values())
        .filter(QuantizedCheckpoint.Form::isHeld)
        .map(form -> Arguments.of("micro-baichuan2-13b", form));
  }

  @ParameterizedTest
  @MethodSource("heldForms")
  void aFolderOfCodesKeepsThem(String family, QuantizedCheckpoint.Form form) throws IOException {
    assumeFalse(TestDevice.isGpu());
    Path codes = folder.resolve("codes");
    QuantizedCheckpoint.write(
        Fixtures.fixture(family), form, codes, folder.resolve("numbers"), DType.BF16);
    assertSame(codes, packed(codes));
  }

  @Test
  void itIsCopiedAsItIsAndGoesIntoOtherForms() throws IOException {
    assumeFalse(TestDevice.isGpu());
    Path gguf =
        GgufCheckpoint.write(
            Fixtures.fixture("micro-baichuan2-7b"),
            folder.resolve("model.gguf"),
            GgufWriter.Kind.Q8_0);
    Path packed = packed(gguf);
    Path again = folder.resolve("again.bc4j");
    assertEquals(Map.of(), convert(packed, "bc4j", again));
    assertArrayEquals(Files.readAllBytes(packed), Files.readAllBytes(again));
    // The numbers of codes are what they were, but for bf16.
    float[][] expected = logits(packed);
    Path plain = folder.resolve("plain");
    convert(packed, "safetensors", plain);
    Path coded = folder.resolve("coded.gguf");
    convert(packed, "gguf", coded);
    for (Path form : List.of(plain, coded)) {
      float[][] found = logits(form);
      for (int t = 0; t < IDS.length; t++) {
        Logits.assertRounded(expected[t], found[t], 0.05, form + ", position " + t);
      }
    }
  }

  @Test
  void otherKindsThanItsOwnAreRefused() throws IOException {
    assumeFalse(TestDevice.isGpu());
    Path gguf =
        GgufCheckpoint.write(
            Fixtures.fixture("micro-llama3"), folder.resolve("model.gguf"), GgufWriter.Kind.Q8_0);
    Path packed = packed(gguf);
    for (Quant other : List.of(Quant.INT8, Quant.INT4, Quant.BF16)) {
      ModelFormatException e =
          assertThrows(
              ModelFormatException.class,
              () -> Baichuan.loader(packed).device(Device.cpu()).weights(other).load());
      assertTrue(e.getMessage().contains("weights has STORED"), e.getMessage());
    }
  }
}
