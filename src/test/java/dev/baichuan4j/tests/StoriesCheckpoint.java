package dev.baichuan4j.tests;

import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.SafetensorsWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes a LLaMA story model in the format of llama2.c as the Baichuan-7B that computes the same:
 * every factor is a power of two and all padding is zero, so that results in f32 differ by the
 * order of their sums alone.
 *
 * <p>A Baichuan head has 128 columns, so the model's heads of 8 are spread: hidden states [64] are
 * the first of [1024], and what depends on these sizes is made up for by factors.
 *
 * <ul>
 *   <li>RMSNorm divides by the mean over 16 times as many columns: its weight is divided by 4, its
 *       epsilon by 16.
 *   <li>Scores are divided by sqrt(128) and not by sqrt(8): queries are multiplied by 4.
 *   <li>RoPE turns columns 2i and 2i+1 of a head of 8 by the angle of columns 16i and 16i+64 of a
 *       head of 128.
 *   <li>A key-value head is repeated for each of its query heads.
 * </ul>
 */
final class StoriesCheckpoint {
  private static final int HEAD = 128; // columns of a head of Baichuan
  private static final int FFN = 256; // what the model's 172 are padded to

  private final int dim;
  private final int ffn;
  private final int layers;
  private final int heads;
  private final int kvHeads;
  private final int vocabulary;
  private final int positions;
  private final int head; // columns of a head of the story model
  private final int hidden; // columns of a hidden state of Baichuan
  private final FloatBuffer weights;

  private StoriesCheckpoint(ByteBuffer file) {
    this.dim = file.getInt();
    this.ffn = file.getInt();
    this.layers = file.getInt();
    this.heads = file.getInt();
    this.kvHeads = file.getInt();
    this.vocabulary = file.getInt(); // above 0: the head is the embedding
    this.positions = file.getInt();
    this.head = dim / heads;
    this.hidden = heads * HEAD;
    this.weights = file.asFloatBuffer();
    if (HEAD != 16 * head || hidden != 16 * dim || vocabulary < 0) {
      throw new IllegalArgumentException("the factors are those of heads of 8 and a tied head");
    }
  }

  /** Writes config.json and model.safetensors of F32. */
  static void write(Path model, Path folder) throws IOException {
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(model)).order(ByteOrder.LITTLE_ENDIAN);
    new StoriesCheckpoint(file).write(folder);
  }

  private void write(Path folder) throws IOException {
    Fixtures.JSON.writeValue(folder.resolve("config.json").toFile(), config());
    Map<String, float[][]> tensors = tensors();
    List<SafetensorsWriter.Entry> entries =
        tensors.entrySet().stream()
            .map(tensor -> entry(tensor.getKey(), tensor.getValue()))
            .toList();
    Path file = folder.resolve("model.safetensors");
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, Map.of(), entries)) {
      for (float[][] tensor : tensors.values()) {
        for (float[] row : tensor) {
          writer.row(row);
        }
      }
    }
  }

  /** A vector is one row. */
  private static SafetensorsWriter.Entry entry(String name, float[][] rows) {
    return rows.length == 1
        ? new SafetensorsWriter.Entry(name, DType.F32, rows[0].length)
        : new SafetensorsWriter.Entry(name, DType.F32, rows.length, rows[0].length);
  }

  private Map<String, Object> config() {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("architectures", List.of("BaichuanForCausalLM"));
    config.put("model_type", "baichuan");
    config.put("hidden_size", hidden);
    config.put("intermediate_size", FFN);
    config.put("num_hidden_layers", layers);
    config.put("num_attention_heads", heads);
    config.put("vocab_size", vocabulary);
    config.put("max_position_embeddings", positions);
    config.put("rms_norm_eps", 1e-5 / 16);
    config.put("hidden_act", "silu");
    config.put("bos_token_id", 1);
    config.put("eos_token_id", 2);
    config.put("tie_word_embeddings", false);
    return config;
  }

  /** In the order of the file, in which a kind of matrix comes for all layers. */
  private Map<String, float[][]> tensors() {
    float[][] embedding = padded(take(vocabulary, dim), vocabulary, hidden);
    float[][] attentionNorms = take(layers, dim);
    float[][] queries = take(layers * heads * head, dim);
    float[][] keys = take(layers * kvHeads * head, dim);
    float[][] values = take(layers * kvHeads * head, dim);
    float[][] outputs = take(layers * dim, heads * head);
    float[][] ffnNorms = take(layers, dim);
    float[][] gates = take(layers * ffn, dim);
    float[][] downs = take(layers * dim, ffn);
    float[][] ups = take(layers * ffn, dim);
    float[][] norm = take(1, dim);

    Map<String, float[][]> tensors = new LinkedHashMap<>();
    tensors.put("model.embed_tokens.weight", embedding);
    for (int l = 0; l < layers; l++) {
      String layer = "model.layers." + l + ".";
      tensors.put(layer + "input_layernorm.weight", norm(attentionNorms[l]));
      tensors.put(
          layer + "self_attn.W_pack.weight",
          pack(part(queries, l, heads * head), part(keys, l, kvHeads * head), values, l));
      tensors.put(layer + "self_attn.o_proj.weight", spreadColumns(part(outputs, l, dim)));
      tensors.put(layer + "post_attention_layernorm.weight", norm(ffnNorms[l]));
      tensors.put(layer + "mlp.gate_proj.weight", padded(part(gates, l, ffn), FFN, hidden));
      tensors.put(layer + "mlp.up_proj.weight", padded(part(ups, l, ffn), FFN, hidden));
      tensors.put(layer + "mlp.down_proj.weight", padded(part(downs, l, dim), hidden, FFN));
    }
    tensors.put("model.norm.weight", norm(norm[0]));
    tensors.put("lm_head.weight", embedding);
    return tensors;
  }

  private float[][] take(int rows, int columns) {
    float[][] matrix = new float[rows][columns];
    for (float[] row : matrix) {
      weights.get(row);
    }
    return matrix;
  }

  /** A layer's rows. */
  private static float[][] part(float[][] all, int layer, int rows) {
    return Arrays.copyOfRange(all, layer * rows, (layer + 1) * rows);
  }

  private static float[][] padded(float[][] matrix, int rows, int columns) {
    float[][] padded = new float[rows][columns];
    for (int r = 0; r < matrix.length; r++) {
      System.arraycopy(matrix[r], 0, padded[r], 0, matrix[r].length);
    }
    return padded;
  }

  private float[][] norm(float[] weight) {
    float[][] norm = new float[1][hidden];
    for (int i = 0; i < dim; i++) {
      norm[0][i] = weight[i] / 4;
    }
    return norm;
  }

  /** W_pack [3 hidden, hidden]: rows of queries, keys and values of every head. */
  private float[][] pack(float[][] query, float[][] key, float[][] values, int layer) {
    float[][] value = part(values, layer, kvHeads * head);
    float[][] pack = new float[3 * hidden][hidden];
    for (int h = 0; h < heads; h++) {
      int kv = h / (heads / kvHeads);
      for (int i = 0; i < head; i++) {
        int turned = h * HEAD + 16 * (i / 2) + 64 * (i % 2);
        for (int c = 0; c < dim; c++) {
          pack[turned][c] = query[h * head + i][c] * 4;
          pack[hidden + turned][c] = key[kv * head + i][c];
          pack[2 * hidden + h * HEAD + i][c] = value[kv * head + i][c];
        }
      }
    }
    return pack;
  }

  /** o_proj [hidden, hidden] from [dim, dim]: its columns are those of the values' heads. */
  private float[][] spreadColumns(float[][] output) {
    float[][] spread = new float[hidden][hidden];
    for (int r = 0; r < dim; r++) {
      for (int h = 0; h < heads; h++) {
        System.arraycopy(output[r], h * head, spread[r], h * HEAD, head);
      }
    }
    return spread;
  }

  /**
   * What ids stand for by a vocabulary in the format of llama2.c: the longest length, then for each
   * piece its score, its length and its bytes. A piece like {@code <0x0A>} is that byte; the space
   * at the beginning of a text is left out.
   */
  static String text(Path vocabulary, int[] ids) throws IOException {
    ByteBuffer file =
        ByteBuffer.wrap(Files.readAllBytes(vocabulary)).order(ByteOrder.LITTLE_ENDIAN);
    file.getInt();
    List<byte[]> pieces = new ArrayList<>();
    while (file.hasRemaining()) {
      file.getFloat();
      byte[] piece = new byte[file.getInt()];
      file.get(piece);
      pieces.add(piece);
    }
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    for (int id : ids) {
      byte[] piece = pieces.get(id);
      String name = new String(piece, StandardCharsets.UTF_8);
      if (name.matches("<0x[0-9A-F]{2}>")) {
        text.write(Integer.parseInt(name.substring(3, 5), 16));
      } else if (id > 2) {
        text.writeBytes(piece);
      }
    }
    return text.toString(StandardCharsets.UTF_8).replaceFirst("^ ", "");
  }
}
