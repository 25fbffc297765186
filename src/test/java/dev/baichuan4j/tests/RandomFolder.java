package dev.baichuan4j.tests;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.ConfigFile;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Writes a folder of a Qwen 2 with a layer of random weights, for vocabularies of any size. */
final class RandomFolder {
  private RandomFolder() {}

  /** Writes it with an id that ends texts. */
  static Path write(Path folder, int vocabularySize, int eos) throws IOException {
    Files.createDirectory(folder);
    String config =
        """
        {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": 32,
         "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2,
         "intermediate_size": 64, "vocab_size": %d, "rms_norm_eps": 1e-6,
         "max_position_embeddings": 64, "eos_token_id": %d, "tie_word_embeddings": true}
        """
            .formatted(vocabularySize, eos);
    byte[] bytes = config.getBytes(StandardCharsets.UTF_8);
    Files.write(folder.resolve("config.json"), bytes);
    Architecture model = ConfigFile.parse(bytes, "config.json");
    List<SafetensorsWriter.Entry> entries = new ArrayList<>();
    for (TensorSpec spec : model.tensors()) {
      entries.add(new SafetensorsWriter.Entry(spec.name(), DType.BF16, spec.shape()));
    }
    Random random = new Random(11);
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(folder.resolve("model.safetensors"), Map.of(), entries)) {
      for (SafetensorsWriter.Entry entry : entries) {
        byte[] numbers = new byte[(int) entry.bytes()];
        for (int i = 1; i < numbers.length; i += 2) {
          numbers[i] = (byte) (0x3c | random.nextInt(2) << 7); // about 0.01 or -0.01
        }
        writer.bytes(ByteBuffer.wrap(numbers));
      }
    }
    return folder;
  }
}
