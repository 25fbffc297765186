package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ContextScaling;
import dev.baichuan4j.Device;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelShape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Positions of contexts that are longer than the training's. */
class ContextScalingTest {
  private static final int TRAINED = 64;
  private static final int[] TEXT = IntStream.range(0, 60).map(i -> i * 7 % 250).toArray();

  @TempDir Path folder;

  private static float[] logits(ModelShape.Position position, ContextScaling scaling, int context) {
    ModelShape shape = new ModelShape(128, 2, 2, 96, 256, TRAINED, position, ModelShape.Head.PLAIN);
    float[][] last = new float[1][];
    try (Baichuan model =
        Baichuan.randomLoader(shape)
            .device(Device.cpu())
            .contextScaling(scaling)
            .contextLength(context)
            .load()) {
      model.logits(TEXT, false, 0, (at, row) -> last[0] = row.clone());
    }
    return last[0];
  }

  @ParameterizedTest
  @EnumSource(ModelShape.Position.class)
  void onlyALongerContextIsScaled(ModelShape.Position position) {
    float[] published = logits(position, ContextScaling.AS_PUBLISHED, TRAINED);
    assertArrayEquals(published, logits(position, ContextScaling.AS_PUBLISHED, 8 * TRAINED));
    assertArrayEquals(published, logits(position, ContextScaling.DYNAMIC_NTK, TRAINED));
    float[] scaled = logits(position, ContextScaling.DYNAMIC_NTK, 8 * TRAINED);
    assertFalse(Arrays.equals(published, scaled), "a context eight times as long changes nothing");
  }

  @Test
  void aCheckpointThatIsScaledAlreadyCannotBeScaledOtherwise() throws Exception {
    Path tiny = Fixtures.model("tiny-baichuan-7b");
    for (Path file : Files.list(tiny).toList()) {
      if (!file.endsWith("config.json")) {
        Files.createSymbolicLink(folder.resolve(file.getFileName()), file.toAbsolutePath());
      }
    }
    String config = Files.readString(tiny.resolve("config.json"));
    String scaling = "{\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0},";
    Files.writeString(folder.resolve("config.json"), config.replaceFirst("\\{", scaling));
    InvalidRequestException e =
        assertThrows(
            InvalidRequestException.class,
            () -> Baichuan.loader(folder).contextScaling(ContextScaling.DYNAMIC_NTK).memoryPlan());
    assertTrue(e.getMessage().contains("AS_PUBLISHED"), e.getMessage());
  }
}
