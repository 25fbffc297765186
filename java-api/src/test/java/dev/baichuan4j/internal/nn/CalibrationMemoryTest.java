package dev.baichuan4j.internal.nn;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.ConfigFile;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory is counted for both parts of a calibration, before it begins. */
class CalibrationMemoryTest {
  private static final int VOCABULARY = 20_000;
  private static final long MIB = 1 << 20;

  private static final DeviceFacts FACTS =
      new DeviceFacts(2, 32, Set.of(ElementType.F32), -1, 1, true, false);

  @TempDir Path folder;
  private Checkpoint checkpoint;

  @BeforeEach
  void writeModel() throws IOException {
    Path config =
        Files.writeString(
            folder.resolve("config.json"),
            """
            {"architectures": ["BaichuanForCausalLM"], "model_type": "baichuan", "hidden_size": 32,
             "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 32,
             "vocab_size": %d, "rms_norm_eps": 1e-6, "model_max_length": 2048,
             "position_embedding": "alibi", "eos_token_id": 2}
            """
                .formatted(VOCABULARY));
    List<SafetensorsWriter.Entry> entries =
        ConfigFile.read(config).tensors().stream()
            .map(spec -> new SafetensorsWriter.Entry(spec.name(), DType.BF16, spec.shape()))
            .toList();
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(folder.resolve("model.safetensors"), Map.of(), entries)) {
      entries.forEach(entry -> writer.bytes(ByteBuffer.allocate((int) entry.bytes())));
    }
    checkpoint = Checkpoint.open(folder);
  }

  private static CalibrationTokens tokens(int count) {
    return CalibrationTokens.of(new int[count], 512, count);
  }

  private void require(long free, CalibrationTokens tokens) {
    CalibrationMemory.require(free, FACTS, checkpoint, tokens);
  }

  @Test
  void sharingBitsKeepsTheLogitsOfTheReference() {
    CalibrationTokens tokens = tokens(1 << 16);
    long rounding = CalibrationMemory.rounding(FACTS, checkpoint.architecture(), tokens);
    long sharing = CalibrationMemory.sharing(FACTS, checkpoint, tokens);
    long logits = 1024L * VOCABULARY * 4;
    assertTrue(sharing > logits && rounding < logits, rounding + " and " + sharing);
    assertDoesNotThrow(() -> require(rounding, tokens));
    assertThrows(InvalidRequestException.class, () -> require(rounding - 1, tokens));
    assertDoesNotThrow(() -> require(sharing, tokens.withAverageBits(3)));
    InvalidRequestException e =
        assertThrows(
            InvalidRequestException.class, () -> require(rounding, tokens.withAverageBits(3)));
    assertTrue(
        e.getMessage()
            .startsWith(
                "calibration needs %d MiB for 65536 tokens to share bits by, expected at most"
                    .formatted(sharing / MIB)),
        e.getMessage());
  }

  /** The residual streams grow with the text: two of them, or one where bits are shared. */
  @Test
  void aLongTextTakesMore() {
    CalibrationTokens some = tokens(1 << 11);
    CalibrationTokens many = tokens(1 << 16);
    long stream = 4L * ((1 << 16) - (1 << 11)) * 32;
    Architecture model = checkpoint.architecture();
    assertEquals(
        2 * stream,
        CalibrationMemory.rounding(FACTS, model, many)
            - CalibrationMemory.rounding(FACTS, model, some));
    assertEquals(
        stream,
        CalibrationMemory.sharing(FACTS, checkpoint, many)
            - CalibrationMemory.sharing(FACTS, checkpoint, some));
  }

  /** Matrices that are no plain numbers in the file are held in memory while bits are shared. */
  @Test
  void matricesThatAreNotMappedAreCounted() {
    CalibrationTokens tokens = tokens(512);
    long mapped = CalibrationMemory.sharing(FACTS, checkpoint, tokens);
    TensorSpec up = checkpoint.architecture().layer(0).up().weight();
    checkpoint = checkpoint.withTensors(List.of(InMemoryRows.of(checkpoint.tensor(up.name()))));
    assertTrue(CalibrationMemory.sharing(FACTS, checkpoint, tokens) == mapped + 2 * up.elements());
  }
}
