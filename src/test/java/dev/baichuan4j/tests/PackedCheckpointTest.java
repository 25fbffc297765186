package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.OutputException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.SafetensorsFile;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoints that are quantized once: what is written, and that loads take it or say why not. */
class PackedCheckpointTest {
  private static final String ROPE = "tiny-baichuan-7b";
  private static final String NORM_HEAD = "tiny-baichuan2-13b-chat";

  @TempDir Path folder;

  private static BaichuanLoader loader(Path model) {
    return Baichuan.loader(model).device(Device.cpu()).threads(2);
  }

  private Path packed(String name, Quant quant) {
    Path target = folder.resolve("packed");
    loader(Fixtures.model(name)).weights(quant).quantize(target);
    return target;
  }

  private static float[][] logits(Baichuan model) {
    return Logits.of(model, 1, 195, 320, 535, 196);
  }

  @ParameterizedTest
  @CsvSource({
    ROPE + ",INT8",
    ROPE + ",INT4",
    ROPE + ",INT3",
    ROPE + ",INT2",
    NORM_HEAD + ",INT8",
    NORM_HEAD + ",INT4",
    NORM_HEAD + ",INT3",
  })
  void givesTheBitsOfQuantizingAtLoad(String name, Quant quant) throws IOException {
    Path target = packed(name, quant);
    try (Baichuan once = loader(target).load();
        Baichuan anew = loader(Fixtures.model(name)).weights(quant).load()) {
      assertEquals(quant, once.info().weights());
      assertEquals(anew.info().traffic(), once.info().traffic());
      float[][] expected = logits(anew);
      float[][] found = logits(once);
      for (int i = 0; i < expected.length; i++) {
        assertArrayEquals(expected[i], found[i], "position " + i);
      }
      assertEquals(anew.defaultOptions(), once.defaultOptions());
    }
    for (TensorEntry entry :
        SafetensorsFile.open(target.resolve("model.safetensors")).tensors().values()) {
      assertTrue(entry.dtype().isWeight() || entry.offset() % 64 == 0, entry.toString());
    }
  }

  @Test
  void leavesNothingBesideTheFolderAndNeverReplacesOne() throws IOException {
    Path target = packed(ROPE, Quant.INT4);
    assertEquals(Set.of("packed"), names(folder));
    assertEquals(
        Set.of(
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "tokenizer.model",
            "tokenizer_config.json"),
        names(target));
    InvalidRequestException taken =
        assertThrows(InvalidRequestException.class, () -> packed(ROPE, Quant.INT4));
    assertTrue(
        taken.getMessage().endsWith("expected a name that is not there yet"), taken.getMessage());
  }

  private static Set<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  @Test
  void refusesWhatItCannotQuantizeOrWrite() throws IOException {
    Path target = folder.resolve("target");
    assertThrows(
        InvalidRequestException.class,
        () -> loader(Fixtures.model(ROPE)).weights(Quant.BF16).quantize(target));
    assertThrows(
        InvalidRequestException.class,
        () ->
            loader(Fixtures.model(ROPE))
                .device(Device.cuda(0))
                .weights(Quant.INT4)
                .quantize(target));
    Path once = packed(ROPE, Quant.INT4);
    ModelFormatException twice =
        assertThrows(
            ModelFormatException.class, () -> loader(once).weights(Quant.INT4).quantize(target));
    assertTrue(twice.getMessage().contains("weights has INT4 already"), twice.getMessage());
    Path file = Files.writeString(folder.resolve("file"), "no folder");
    OutputException inside =
        assertThrows(
            OutputException.class,
            () ->
                loader(Fixtures.model(ROPE)).weights(Quant.INT4).quantize(file.resolve("target")));
    assertTrue(inside.path().endsWith("target"), inside.path());
    assertFalse(Files.exists(target));
  }

  @ParameterizedTest
  @CsvSource({
    "7fc0, 'NaN at [3, 5], expected finite numbers'",
    "ff80, '-Infinity at [3, 5], expected finite numbers'",
    "7f7f, '3.3895e+38 at [3, 5], expected magnitudes of at most 1.4412e+17 to quantize'",
  })
  void saysWhichWeightItCannotQuantize(String bits, String message) throws IOException {
    Path model = Files.createDirectory(folder.resolve("model"));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(Fixtures.fixture("micro-baichuan2-13b").resolve(name), model.resolve(name));
    }
    String name = "model.layers.1.mlp.up_proj.weight";
    TensorEntry up = SafetensorsFile.open(model.resolve("model.safetensors")).tensors().get(name);
    try (FileChannel file = FileChannel.open(up.file(), StandardOpenOption.WRITE)) {
      int value = Integer.parseInt(bits, 16);
      file.write(
          ByteBuffer.wrap(new byte[] {(byte) value, (byte) (value >> 8)}),
          up.offset() + 2 * (3 * up.shape()[1] + 5));
    }
    for (Quant quant : new Quant[] {Quant.INT8, Quant.INT4}) {
      ModelFormatException e =
          assertThrows(
              ModelFormatException.class,
              () -> loader(model).weights(quant).quantize(folder.resolve("target")));
      assertEquals(up.file() + ": " + name + " has " + message, e.getMessage());
    }
    assertEquals(Set.of("model"), names(folder));
  }

  @Test
  void refusesOtherWeightsThanItHas() {
    Path target = packed(ROPE, Quant.INT4);
    for (Quant other : new Quant[] {Quant.BF16, Quant.INT8}) {
      refuses(
          loader(target).weights(other),
          "weights has INT4, expected " + other + " as asked for; load it as it is");
    }
  }

  @Test
  void refusesAnotherLayoutShapeOrLength() throws IOException {
    Path file = packed(ROPE, Quant.INT4).resolve("model.safetensors");
    byte[] good = Files.readAllBytes(file);
    replace(file, good, "layout\":\"1\"", "layout\":\"9\"");
    refuses(
        loader(file), "layout of packed weights has version 9, expected version 1; make it anew");
    replace(file, good, "layout\":\"1\"", "layout\":\"x\"");
    refuses(loader(file), "baichuan4j.layout has x, expected a number");
    replace(file, good, "weights\":\"int4\"", "weights\":\"int5\"");
    refuses(loader(file), "baichuan4j.weights has int5, expected int8, int4, int3 or int2");
    // The same bytes taken for int8 would be too few.
    replace(file, good, "weights\":\"int4\"", "weights\":\"int8\"");
    refuses(loader(file), "bytes of U8 for int8");
    replace(file, good, "shape.lm_head.weight\":\"[", "shape.lm_head.weight\":\"]");
    refuses(loader(file), "baichuan4j.shape.lm_head.weight has ]");
    Files.write(file, Arrays.copyOf(good, good.length - 64));
    refuses(loader(file), "expected");
  }

  private static void replace(Path file, byte[] content, String from, String to)
      throws IOException {
    String text = new String(content, StandardCharsets.ISO_8859_1);
    assertTrue(text.contains(from), from);
    Files.write(file, text.replace(from, to).getBytes(StandardCharsets.ISO_8859_1));
  }

  private static void refuses(BaichuanLoader loader, String message) {
    ModelFormatException e = assertThrows(ModelFormatException.class, loader::load);
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @Test
  void pinnedModelsWriteTheSameAndNeedACoreForEachThread() {
    if (!System.getProperty("os.name").equals("Linux")) {
      assertThrows(
          InvalidRequestException.class, () -> loader(Fixtures.model(ROPE)).pin(true).load());
      return;
    }
    try (Baichuan pinned =
            Baichuan.loader(Fixtures.model(ROPE)).device(Device.cpu()).pin(true).load();
        Baichuan free = loader(Fixtures.model(ROPE)).load()) {
      float[][] expected = logits(free);
      float[][] found = logits(pinned);
      for (int i = 0; i < expected.length; i++) {
        assertArrayEquals(expected[i], found[i], "position " + i);
      }
    }
    InvalidRequestException crowded =
        assertThrows(
            InvalidRequestException.class,
            () -> loader(Fixtures.model(ROPE)).threads(1024).pin(true).load());
    assertTrue(
        crowded.getMessage().startsWith("threads has value 1024, expected at most"),
        crowded.getMessage());
    assertThrows(
        InvalidRequestException.class,
        () -> Baichuan.loader(Fixtures.model(ROPE)).device(Device.cuda(0)).pin(true).load());
  }
}
