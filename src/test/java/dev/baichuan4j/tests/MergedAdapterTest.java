package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.ModelShape.Position;
import dev.baichuan4j.Quant;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Adapters that are added to the weights before these are held, against logits in double. */
class MergedAdapterTest {
  /**
   * A row's root mean square error, as a share of the logits' deviation. Sums are rounded to bf16
   * once, by 2^-9 at most and 2^-10.4 in the mean, in each of some ten matrices on the way:
   * sqrt(10) of that, 0.3 %, three times as much allowed.
   */
  private static final double ROUNDED = 1e-2;

  /** The same for weights of 8 bits: their errors are below 1 % of a matrix. */
  private static final double INT8 = 6e-2;

  private static BaichuanLoader loader(Path base) {
    return Baichuan.loader(base).device(TestDevice.device()).exact(!TestDevice.isGpu()).threads(2);
  }

  @ParameterizedTest
  @MethodSource("dev.baichuan4j.tests.Adapters#names")
  void logitsAreThoseOfBaseAndAdapter(String name) throws IOException {
    int[] ids = Adapters.ids(name);
    float[][] expected = Adapters.golden(name);
    for (Quant quant : new Quant[] {Quant.BF16, Quant.INT8}) {
      float[][] actual =
          Logits.of(
              loader(Adapters.base(name)).weights(quant).mergedAdapter(Adapters.folder(name)), ids);
      for (int t = 0; t < ids.length; t++) {
        Logits.assertRounded(
            expected[t], actual[t], quant == Quant.BF16 ? ROUNDED : INT8, quant + " position " + t);
      }
    }
  }

  @Test
  void whatQuantizeWritesIsWhatLoadingGives(@TempDir Path folder) throws IOException {
    String name = "baichuan2-7b-qv";
    Path packed = folder.resolve("packed");
    loader(Adapters.base(name))
        .device(Device.cpu()) // which packs for every device
        .weights(Quant.INT8)
        .mergedAdapter(Adapters.folder(name))
        .quantize(packed);
    int[] ids = Adapters.ids(name);
    float[][] merged =
        Logits.of(
            loader(Adapters.base(name)).weights(Quant.INT8).mergedAdapter(Adapters.folder(name)),
            ids);
    Logits.assertSameInPieces(merged, Logits.of(loader(packed), ids), "packed");
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class,
            () -> loader(packed).mergedAdapter(Adapters.folder(name)).load());
    assertTrue(e.getMessage().contains("not packed"), e.getMessage());
  }

  @Test
  void adaptersOfOtherModelsAndOfNoneAreRefused() throws IOException {
    ModelFormatException other =
        assertThrows(
            ModelFormatException.class,
            () ->
                loader(Adapters.base("llama3-split"))
                    .mergedAdapter(Adapters.folder("baichuan2-7b-all"))
                    .load());
    assertTrue(
        other.getMessage().contains("o_proj.lora_A.weight has shape [4, 256], expected [4, 512]"),
        other::getMessage);
    ModelFormatException none =
        assertThrows(
            ModelFormatException.class,
            () ->
                loader(Adapters.base("llama3-split"))
                    .mergedAdapter(Adapters.base("llama3-split"))
                    .load());
    assertEquals("path", none.subject());
    ModelShape shape = new ModelShape(64, 1, 1, 1, 64, 64, 64, 64, Position.ROPE, Head.PLAIN);
    assertThrows(
        InvalidRequestException.class,
        () -> Baichuan.randomLoader(shape).mergedAdapter(Adapters.folder("llama3-split")).load());
  }
}
