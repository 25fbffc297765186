package dev.baichuan4j.tests;

import dev.baichuan4j.ModelShape;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Writes adapters of random numbers for models of any size. */
final class AdapterWriter {
  private AdapterWriter() {}

  /**
   * Writes an adapter of queries, the output, and the feed-forward layers, which changes what the
   * model says.
   *
   * @param folder is created
   */
  static Path write(Path folder, ModelShape shape, int rank, long seed) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(
        folder.resolve("adapter_config.json"),
        """
        {"peft_type": "LORA", "r": %d, "lora_alpha": %d, "bias": "none", "task_type": "CAUSAL_LM",
         "target_modules": ["q_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]}
        """
            .formatted(rank, 2 * rank));
    long c = shape.hiddenSize();
    long f = shape.intermediateSize();
    long width = (long) shape.heads() * shape.headSize();
    Map<String, long[]> matrices = new LinkedHashMap<>(); // N, K
    for (int i = 0; i < shape.layers(); i++) {
      String layer = "base_model.model.model.layers." + i + ".";
      matrices.put(layer + "self_attn.q_proj", new long[] {width, c});
      matrices.put(layer + "self_attn.o_proj", new long[] {c, width});
      matrices.put(layer + "mlp.gate_proj", new long[] {f, c});
      matrices.put(layer + "mlp.up_proj", new long[] {f, c});
      matrices.put(layer + "mlp.down_proj", new long[] {c, f});
    }
    List<SafetensorsWriter.Entry> entries = new ArrayList<>();
    matrices.forEach(
        (module, size) -> {
          entries.add(
              new SafetensorsWriter.Entry(module + ".lora_A.weight", DType.F32, rank, size[1]));
          entries.add(
              new SafetensorsWriter.Entry(module + ".lora_B.weight", DType.F32, size[0], rank));
        });
    Random random = new Random(seed);
    Path file = folder.resolve("adapter_model.safetensors");
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, Map.of(), entries)) {
      for (SafetensorsWriter.Entry entry : entries) {
        boolean isA = entry.name().contains("lora_A");
        double size = isA ? 1 / Math.sqrt(entry.shape()[1]) : 0.5;
        ByteBuffer bytes = ByteBuffer.allocate((int) entry.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
          bytes.putFloat((float) (size * random.nextGaussian()));
        }
        writer.bytes(bytes.flip());
      }
    }
    return folder;
  }
}
