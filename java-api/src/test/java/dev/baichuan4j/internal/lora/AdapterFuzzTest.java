package dev.baichuan4j.internal.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.FuzzInputs;
import dev.baichuan4j.internal.arch.Architecture;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whatever an adapter's folder holds, it is refused with a {@link ModelFormatException} or gives
 * matrices of the model's shapes.
 *
 * <p>A normal build changes the fixtures at random and cuts them off at many places. {@code
 * JAZZER_FUZZ=1 mvn test -Dtest=AdapterFuzzTest} lets Jazzer look for more.
 */
class AdapterFuzzTest {
  private static final String[] WORDS = {
    "null",
    "true",
    "false",
    "-1",
    "0",
    "513",
    "99999999999",
    "1e400",
    "1e-400",
    "\"\"",
    "[]",
    "{}",
    "\"(a|a)*b\"",
    "\"all-linear\"",
    "[\"q_proj\"]",
    "{\".*\": 2}",
    "{\"(\": 2}",
    "\"pissa\""
  };

  @TempDir private Path folder;

  @FuzzTest(maxDuration = "2m")
  void config(byte[] json) {
    try {
      AdapterConfig config = AdapterConfig.parse(json, "c.json");
      for (Target target : Target.values()) {
        String module = target.module(1);
        assertTrue(config.rank(module) >= 1 && config.rank(module) <= AdapterConfig.MAX_RANK);
        config.scale(module);
        config.has(module, 1);
      }
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith("c.json: "), expected::getMessage);
    }
  }

  /** A pair of one rank for the queries of the first layer of a model. */
  @FuzzTest(maxDuration = "2m")
  void weights(byte[] safetensors) throws IOException {
    Path adapter = Files.createTempDirectory("fuzz");
    Path config = adapter.resolve(AdapterFiles.CONFIG);
    Path file = adapter.resolve(AdapterFiles.SAFETENSORS);
    try {
      Files.writeString(
          config, "{\"peft_type\": \"LORA\", \"r\": 1, \"target_modules\": [\"q_proj\"]}");
      Files.write(file, safetensors);
      open(adapter, AdapterFiles.model("llama3-split"));
    } finally {
      Files.delete(file);
      Files.delete(config);
      Files.delete(adapter);
    }
  }

  private static void open(Path folder, Architecture model) {
    try {
      for (LoraPair pair : LoraAdapter.open(folder, model).pairs()) {
        assertTrue(pair.layer() < model.layers());
        assertEquals(pair.target().inputs(model), pair.inputs());
        assertEquals(pair.target().outputs(model), pair.outputs());
        assertEquals(pair.rank(), pair.b().shape()[1]);
      }
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith(folder.toString()), expected::getMessage);
    }
  }

  @Test
  void changedConfigsAreReadOrRefused() throws IOException {
    String json =
        Files.readString(AdapterFiles.adapter("baichuan2-7b-qv").resolve("adapter_config.json"));
    String[] parts = json.split("(?<=: )");
    Random random = new Random(1);
    assertTimeoutPreemptively(
        Duration.ofMinutes(2),
        () -> {
          for (int i = 0; i < 4000; i++) {
            String[] changed = parts.clone();
            int at = 1 + random.nextInt(parts.length - 1);
            String word = WORDS[random.nextInt(WORDS.length)];
            changed[at] = parts[at].replaceFirst("^[^,\\n]+", word);
            byte[] bytes = String.join("", changed).getBytes(StandardCharsets.UTF_8);
            if (i % 2 == 0) {
              bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            config(bytes);
          }
          byte[] whole = json.getBytes(StandardCharsets.UTF_8);
          for (int length = 0; length < whole.length; length++) {
            config(Arrays.copyOf(whole, length));
          }
        });
  }

  @ParameterizedTest
  @CsvSource({
    "llama3-wpack, adapter_model.safetensors, 1200",
    "baichuan-7b-bin, adapter_model.bin, 3000"
  })
  void changedWeightsAreReadOrRefused(String name, String file, int changed) throws IOException {
    AdapterFiles.copy(name, folder);
    Architecture model = AdapterFiles.model(name);
    byte[] whole = Files.readAllBytes(folder.resolve(file));
    Random random = new Random(2);
    for (int i = 0; i < 400; i++) {
      byte[] bytes = whole.clone();
      for (int n = random.nextInt(3); n >= 0; n--) {
        int at = random.nextInt(Math.min(changed, whole.length));
        boolean fromEnd = file.endsWith(".bin") && random.nextBoolean(); // the archive's directory
        bytes[fromEnd ? whole.length - 1 - at : at] = (byte) random.nextInt(256);
      }
      Files.write(folder.resolve(file), bytes);
      open(folder, model);
    }
    FuzzInputs.cutOff(
        whole,
        bytes -> {
          Files.write(folder.resolve(file), bytes);
          assertThrows(ModelFormatException.class, () -> LoraAdapter.open(folder, model));
        });
  }

  @Test
  void otherValuesAndNumbersThatOverflowAreReadOrRefused() throws IOException {
    for (byte[] json : FuzzInputs.of(AdapterFuzzTest.class, "config")) {
      FuzzInputs.otherValues(json, this::config);
    }
    byte[] whole = FuzzInputs.of(AdapterFuzzTest.class, "weights").get(0);
    FuzzInputs.overflow(whole, 16, 100, new Random(5), this::weights);
    int length = (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
    FuzzInputs.otherValues(
        Arrays.copyOfRange(whole, 8, 8 + length),
        header -> {
          ByteBuffer file =
              ByteBuffer.allocate(whole.length - length + header.length)
                  .order(ByteOrder.LITTLE_ENDIAN);
          file.putLong(header.length).put(header).put(whole, 8 + length, whole.length - 8 - length);
          weights(file.array());
        });
  }
}
