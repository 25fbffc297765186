package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A model that adapters are merged into while it is converted is the one that loading gives. */
class MergedConversionTest {
  @TempDir private Path folder;

  private Path convert(Path model, List<Path> adapters, String form, Weights weights, String name) {
    Path out = folder.resolve(name);
    Checkpoint source = Conversion.merged(Checkpoint.open(model), adapters, weights);
    new Conversion(source, Target.parse(form), weights, out, 2, ProgressListener.NONE).run(true);
    return out;
  }

  private static BaichuanLoader loader(Path model, Path... adapters) {
    BaichuanLoader loader = Baichuan.loader(model).device(Device.cpu()).threads(2);
    Arrays.stream(adapters).forEach(loader::mergedAdapter);
    return loader;
  }

  private static void assertSame(float[][] expected, float[][] found, String what) {
    for (int t = 0; t < expected.length; t++) {
      assertArrayEquals(expected[t], found[t], what + ", position " + t);
    }
  }

  @ParameterizedTest
  @MethodSource("dev.baichuan4j.tests.Adapters#names")
  void logitsAreThoseOfMergingAtLoad(String name) throws IOException {
    int[] ids = Adapters.ids(name);
    Path base = Adapters.base(name);
    Path adapter = Adapters.folder(name);
    float[][] expected = Logits.of(loader(base, adapter).exact(true), ids);
    for (String form : new String[] {"safetensors", "bc4j", "gguf"}) {
      Path out = convert(base, List.of(adapter), form, Weights.STORED, "merged." + form);
      float[][] found = Logits.of(loader(out).exact(true), ids);
      if (form.equals("gguf") && !name.startsWith("baichuan-7b")) {
        // A head that normalizes its rows is written normalized, in f16; LLaMA 3's frequencies are
        // written as divisors in f32.
        double share = name.startsWith("baichuan2") ? 2e-3 : 1e-5;
        for (int t = 0; t < ids.length; t++) {
          Logits.assertNear(expected[t], found[t], share, form + ", position " + t);
        }
      } else {
        assertSame(expected, found, form);
      }
    }
    for (Quant quant : new Quant[] {Quant.INT8, Quant.INT4}) {
      Path out = convert(base, List.of(adapter), "bc4j", Weights.of(quant), quant + ".bc4j");
      assertSame(
          Logits.of(loader(base, adapter).weights(quant), ids),
          Logits.of(loader(out), ids),
          "" + quant);
    }
  }

  @Test
  void severalAdaptersAreAddedInTheirOrder() throws IOException {
    Path base = Adapters.base("baichuan2-7b-all");
    Path one = Adapters.folder("baichuan2-7b-all");
    Path other = Adapters.folder("baichuan2-7b-qv");
    int[] ids = Adapters.ids("baichuan2-7b-all");
    Path out = convert(base, List.of(one, other), "bc4j", Weights.STORED, "both.bc4j");
    assertSame(Logits.of(loader(base, one, other), ids), Logits.of(loader(out), ids), "both");
  }

  @Test
  void sumsWithCodesAreWrittenOnlyAsWhatIsAskedFor() throws IOException {
    Path base = Adapters.base("llama3-split");
    Path adapter = Adapters.folder("llama3-split");
    int[] ids = Adapters.ids("llama3-split");
    Path coded = convert(base, List.of(), "gguf", Weights.INT8, "coded.gguf");
    InvalidRequestException e =
        assertThrows(
            InvalidRequestException.class,
            () -> convert(coded, List.of(adapter), "bc4j", Weights.STORED, "stored.bc4j"));
    assertEquals("weights", e.parameter());
    assertTrue(e.getMessage().contains("bf16 or another kind"), e.getMessage());
    Path rounded = convert(coded, List.of(adapter), "safetensors", Weights.BF16, "rounded");
    assertSame(
        Logits.of(loader(coded, adapter).weights(Quant.BF16), ids),
        Logits.of(loader(rounded), ids),
        "rounded");
    Path packed = convert(base, List.of(), "bc4j", Weights.INT8, "packed.bc4j");
    ModelFormatException refused =
        assertThrows(
            ModelFormatException.class,
            () -> convert(packed, List.of(adapter), "bc4j", Weights.INT8, "again.bc4j"));
    assertTrue(refused.getMessage().contains("not packed"), refused.getMessage());
  }
}
