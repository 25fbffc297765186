package dev.baichuan4j.tests;

import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Writes a LLaMA story model in the format of llama2.c as the LLaMA folder that it is: grouped
 * queries, a tied head, F32. Only rows of queries and keys change their order, since llama2.c turns
 * columns 2i and 2i + 1 of a head together, and transformers columns i and i + D/2.
 */
final class StoriesLlama {
  private final int dim;
  private final int ffn;
  private final int layers;
  private final int heads;
  private final int kvHeads;
  private final int vocabulary;
  private final int positions;
  private final FloatBuffer weights;

  private StoriesLlama(ByteBuffer file) {
    this.dim = file.getInt();
    this.ffn = file.getInt();
    this.layers = file.getInt();
    this.heads = file.getInt();
    this.kvHeads = file.getInt();
    this.vocabulary = file.getInt(); // above 0: the head is the embedding
    this.positions = file.getInt();
    this.weights = file.asFloatBuffer();
    if (vocabulary < 0) {
      throw new IllegalArgumentException("the head of the model is not tied");
    }
  }

  /** Writes config.json and model.safetensors. */
  static void write(Path model, Path folder) throws IOException {
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(model)).order(ByteOrder.LITTLE_ENDIAN);
    new StoriesLlama(file).write(folder);
  }

  private record Matrix(long[] shape, float[] values) {}

  private void write(Path folder) throws IOException {
    Fixtures.JSON.writeValue(folder.resolve("config.json").toFile(), config());
    Map<String, Matrix> tensors = tensors();
    List<SafetensorsWriter.Entry> entries =
        tensors.entrySet().stream()
            .map(t -> new SafetensorsWriter.Entry(t.getKey(), DType.F32, t.getValue().shape()))
            .toList();
    Path file = folder.resolve("model.safetensors");
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, Map.of(), entries)) {
      tensors.values().forEach(tensor -> writer.row(tensor.values()));
    }
  }

  private Map<String, Object> config() {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("architectures", List.of("LlamaForCausalLM"));
    config.put("model_type", "llama");
    config.put("hidden_size", dim);
    config.put("intermediate_size", ffn);
    config.put("num_hidden_layers", layers);
    config.put("num_attention_heads", heads);
    config.put("num_key_value_heads", kvHeads);
    config.put("vocab_size", vocabulary);
    config.put("max_position_embeddings", positions);
    config.put("rms_norm_eps", 1e-5);
    config.put("rope_theta", 10000.0);
    config.put("hidden_act", "silu");
    config.put("bos_token_id", 1);
    config.put("eos_token_id", 2);
    config.put("tie_word_embeddings", true);
    return config;
  }

  /** In the order of the file, in which a kind of matrix comes for all layers. */
  private Map<String, Matrix> tensors() {
    int head = dim / heads;
    int kv = kvHeads * head;
    Map<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("model.embed_tokens.weight", take(vocabulary, dim));
    String layer = "model.layers.%d.";
    eachLayer(tensors, layer + "input_layernorm.weight", () -> take(dim));
    eachLayer(
        tensors, layer + "self_attn.q_proj.weight", () -> halves(take(heads * head, dim), head));
    eachLayer(tensors, layer + "self_attn.k_proj.weight", () -> halves(take(kv, dim), head));
    eachLayer(tensors, layer + "self_attn.v_proj.weight", () -> take(kv, dim));
    eachLayer(tensors, layer + "self_attn.o_proj.weight", () -> take(dim, heads * head));
    eachLayer(tensors, layer + "post_attention_layernorm.weight", () -> take(dim));
    eachLayer(tensors, layer + "mlp.gate_proj.weight", () -> take(ffn, dim));
    eachLayer(tensors, layer + "mlp.down_proj.weight", () -> take(dim, ffn));
    eachLayer(tensors, layer + "mlp.up_proj.weight", () -> take(ffn, dim));
    tensors.put("model.norm.weight", take(dim));
    return tensors;
  }

  private void eachLayer(Map<String, Matrix> tensors, String name, Supplier<Matrix> next) {
    for (int i = 0; i < layers; i++) {
      tensors.put(name.formatted(i), next.get());
    }
  }

  private Matrix take(long... shape) {
    int count = 1;
    for (long size : shape) {
      count *= (int) size;
    }
    float[] values = new float[count];
    weights.get(values);
    return new Matrix(shape, values);
  }

  /** Rows 2i and 2i + 1 of each head become rows i and i + D/2. */
  private static Matrix halves(Matrix matrix, int head) {
    int columns = (int) matrix.shape[1];
    float[] turned = new float[matrix.values.length];
    for (int row = 0; row < matrix.shape[0]; row++) {
      int i = row % head;
      int to = row - i + i / 2 + i % 2 * (head / 2);
      System.arraycopy(matrix.values, row * columns, turned, to * columns, columns);
    }
    return new Matrix(matrix.shape, turned);
  }
}
