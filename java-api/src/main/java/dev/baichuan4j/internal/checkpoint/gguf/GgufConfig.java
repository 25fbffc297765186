package dev.baichuan4j.internal.checkpoint.gguf;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Architecture.Heads;
import dev.baichuan4j.internal.arch.Architecture.Projections;
import dev.baichuan4j.internal.arch.Architecture.TokenIds;
import dev.baichuan4j.internal.arch.Positions;
import dev.baichuan4j.internal.json.IntRange;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What a model is, from the metadata of its file and the names of its tensors. A key that would
 * change the result and cannot be followed is refused by its name, and so is a tensor that is no
 * weight of such a model.
 *
 * <p>Two facts of Baichuan models are in no key of llama.cpp's:
 *
 * <ul>
 *   <li><b>RoPE or ALiBi.</b> {@code baichuan.attention.max_alibi_bias} decides where it is there:
 *       8 for ALiBi, 0 for RoPE. Otherwise the number of layers does, as in llama.cpp, which is 32
 *       for the published 7B models and 40 for 13B.
 *   <li><b>NormHead.</b> Converters store the head of Baichuan 2 as it was trained, while it is
 *       used with rows of length 1. The vocabulary tells: {@code baichuan.norm_head}, a key of this
 *       project, decides where it is there, else 125,696 pieces or more are a Baichuan 2. To
 *       normalize a head that is normalized already changes nothing.
 * </ul>
 */
public final class GgufConfig {
  private static final String ARCHITECTURE = "general.architecture";

  /**
   * A key of this project: a Baichuan that llama.cpp computes as the architecture llama or refact.
   */
  private static final String FAMILY = "baichuan4j.family";

  private static final String EOS = "tokenizer.ggml.eos_token_id";
  private static final int BAICHUAN_2 = 125_696; // pieces
  private static final int LAYERS_7B = 32;
  private static final int LAYERS_13B = 40;
  private static final double ALIBI_BIAS = 8; // the slopes begin with 2^(-8/heads)

  /** Keys behind the architecture's name that change a result, and the value that does not. */
  private static final Map<String, Double> UNCHANGED =
      Map.ofEntries(
          Map.entry("expert_count", 0.0),
          Map.entry("logit_scale", 1.0),
          Map.entry("embedding_scale", 1.0),
          Map.entry("residual_scale", 1.0),
          Map.entry("attn_logit_softcapping", 0.0),
          Map.entry("final_logit_softcapping", 0.0),
          Map.entry("attention.scale", 0.0),
          Map.entry("attention.clamp_kqv", 0.0),
          Map.entry("rope.scaling.alpha", 0.0),
          Map.entry("rope.scaling.attn_factor", 1.0),
          Map.entry("rope.scaling.yarn_attn_factor", 1.0),
          Map.entry("rope.scaling.yarn_ext_factor", 1.0),
          Map.entry("rope.scaling.yarn_log_multiplier", 0.0));

  private enum Family {
    BAICHUAN("BaichuanForCausalLM"),
    LLAMA("LlamaForCausalLM"),
    QWEN2("Qwen2ForCausalLM"),
    QWEN3("Qwen3ForCausalLM");

    final String architecture;

    Family(String architecture) {
      this.architecture = architecture;
    }
  }

  private final GgufFile file;
  private final GgufMetadata metadata;
  private final String name; // general.architecture, the first part of keys
  private final Family family;

  private GgufConfig(GgufFile file) {
    this.file = file;
    this.metadata = file.metadata();
    this.name = metadata.string(ARCHITECTURE).orElse("");
    this.family = family();
  }

  private Family family() {
    if (metadata.string(FAMILY).orElse("").equals("baichuan")
        && List.of("llama", "refact").contains(name)) {
      return Family.BAICHUAN;
    }
    return switch (name) {
      case "baichuan" -> Family.BAICHUAN;
      case "llama" -> Family.LLAMA;
      case "qwen2" -> Family.QWEN2;
      case "qwen3" -> Family.QWEN3;
      default -> throw metadata.wrong(ARCHITECTURE, "baichuan, llama, qwen2 or qwen3");
    };
  }

  /** Whether converters put the rows that RoPE turns side by side. */
  private boolean turnsNeighbours() {
    return name.equals("baichuan") || name.equals("llama");
  }

  /**
   * Reads what the model is made of.
   *
   * @throws ModelFormatException if it is not a model that is known here, a key is missing or out
   *     of its range, or there is a tensor that such a model has not
   */
  public static Architecture architecture(GgufFile file) {
    return new GgufConfig(file).read();
  }

  /**
   * Returns the size of heads whose rows of queries and keys lie in llama.cpp's order, a pair side
   * by side; 0 where they lie as they are used here.
   *
   * @param model of the same file
   */
  public static int turnedHead(GgufFile file, Architecture model) {
    return new GgufConfig(file).turnsNeighbours() ? model.heads().size() : 0;
  }

  /** Returns whether a vocabulary is that of a Baichuan 2. */
  static boolean isBaichuan2(GgufMetadata metadata, long pieces) {
    return metadata.string(ARCHITECTURE).orElse("").equals("baichuan") && pieces >= BAICHUAN_2;
  }

  private Architecture read() {
    refuseUnsupported();
    int hiddenSize = integer("embedding_length", Architecture.HIDDEN_SIZE);
    int layers = integer("block_count", Architecture.LAYERS);
    int vocabularySize = vocabularySize();
    Heads heads = heads(hiddenSize);
    String epsilon = name + ".attention.layer_norm_rms_epsilon";
    double normEps =
        metadata.number(epsilon).orElseThrow(() -> metadata.wrong(epsilon, "a number"));
    int maxPositions = integer("context_length", Architecture.lengthRange("context_length"));
    Positions positions = positions(layers, heads.size(), maxPositions);
    Architecture.unfit(heads, (float) normEps, positions)
        .ifPresent(
            unfit -> {
              throw new ModelFormatException(
                  file.path(), unfit.key(), unfit.expected(), unfit.found());
            });
    return new Architecture(
        family.architecture,
        hiddenSize,
        layers,
        heads,
        integer("feed_forward_length", Architecture.INTERMEDIATE_SIZE),
        vocabularySize,
        (float) normEps,
        maxPositions,
        positions,
        projections(),
        windows(layers, maxPositions),
        head(vocabularySize),
        tokens(vocabularySize));
  }

  private void refuseUnsupported() {
    UNCHANGED.forEach(
        (rest, unchanged) -> {
          String key = name + "." + rest;
          if (metadata.number(key).orElse(unchanged).doubleValue() != unchanged) {
            throw metadata.wrong(key, unchanged + " or none, because it is not supported");
          }
        });
    if (!metadata.bool(name + ".attention.causal").orElse(true)) {
      throw metadata.wrong(name + ".attention.causal", "true");
    }
    for (String tensor : file.tensors().keySet()) {
      if (!tensor.equals(GgufTensorNames.ROPE_FACTORS) && GgufTensorNames.here(tensor).isEmpty()) {
        throw new ModelFormatException(
            file.path(), tensor, "the tensors of a dense " + name + " model", "another tensor");
      }
    }
  }

  private int integer(String rest, IntRange range) {
    String key = name + "." + rest;
    return metadata
        .integer(key, range.min(), range.max())
        .orElseThrow(() -> metadata.wrong(key, range.expected()));
  }

  private OptionalInt optional(String rest, IntRange range) {
    return metadata.integer(name + "." + rest, range.min(), range.max());
  }

  private int vocabularySize() {
    GgufTensor embedding = file.tensors().get(GgufTensorNames.EMBEDDING);
    IntRange range = Architecture.VOCABULARY_SIZE;
    if (embedding == null
        || embedding.shape().length != 2
        || !range.contains(embedding.shape()[0])) {
      throw new ModelFormatException(
          file.path(),
          GgufTensorNames.EMBEDDING,
          "a matrix of " + range.min() + " to " + range.max() + " rows",
          embedding == null ? "no tensor" : embedding.toString());
    }
    return (int) embedding.shape()[0];
  }

  private Heads heads(int hiddenSize) {
    int queries = integer("attention.head_count", Architecture.HEADS);
    int keyValues = optional("attention.head_count_kv", Architecture.KV_HEADS).orElse(queries);
    OptionalInt size = optional("attention.key_length", Architecture.HEAD_SIZE);
    if (size.isEmpty() && hiddenSize % queries != 0) {
      throw metadata.wrong(
          name + ".attention.head_count",
          "a divisor of the " + hiddenSize + " of embedding_length");
    }
    int key = size.orElse(hiddenSize / queries);
    if (optional("attention.value_length", Architecture.HEAD_SIZE).orElse(key) != key) {
      throw metadata.wrong(name + ".attention.value_length", key + ", as keys have");
    }
    return new Heads(queries, keyValues, key);
  }

  private Positions positions(int layers, int headSize, int maxPositions) {
    String key = name + ".attention.max_alibi_bias";
    boolean alibi = family == Family.BAICHUAN && layers == LAYERS_13B;
    if (metadata.has(key)) {
      double bias = metadata.number(key).orElseThrow();
      if (bias != 0 && (bias != ALIBI_BIAS || family != Family.BAICHUAN)) {
        throw metadata.wrong(key, "0 for RoPE, or 8 for the ALiBi of baichuan");
      }
      alibi = bias != 0;
    } else if (family == Family.BAICHUAN && layers != LAYERS_7B && layers != LAYERS_13B) {
      throw metadata.wrong(
          key, "0 for RoPE or 8 for ALiBi, because " + layers + " layers tell neither");
    }
    return alibi ? new Positions.Alibi() : new GgufRope(file, name).read(headSize, maxPositions);
  }

  private Projections projections() {
    return new Projections(
        false,
        file.tensors().containsKey("blk.0.attn_q.bias"),
        file.tensors().containsKey("blk.0.attn_output.bias"),
        family == Family.QWEN3);
  }

  /** Mistral's files are of the architecture llama; Qwen's converters write no window. */
  private List<Integer> windows(int layers, int maxPositions) {
    String key = name + ".attention.sliding_window";
    int window = metadata.integer(key, 0, Integer.MAX_VALUE).orElse(0);
    if (window == 0 || window >= maxPositions) {
      return List.of();
    }
    if (family != Family.LLAMA) {
      throw metadata.wrong(key, "none for " + name);
    }
    return new ArrayList<>(Collections.nCopies(layers, window));
  }

  private Head head(int vocabularySize) {
    boolean norm = metadata.bool(name + ".norm_head").orElse(isBaichuan2(metadata, vocabularySize));
    boolean tied = !file.tensors().containsKey(GgufTensorNames.HEAD);
    if (tied && family == Family.BAICHUAN) {
      throw new ModelFormatException(file.path(), GgufTensorNames.HEAD, "a matrix", "no tensor");
    }
    return tied ? Head.TIED : norm ? Head.NORM : Head.PLAIN;
  }

  private TokenIds tokens(int vocabularySize) {
    int last = vocabularySize - 1;
    List<Integer> ends = new ArrayList<>();
    for (String key : List.of(EOS, "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id")) {
      metadata.integer(key, 0, last).ifPresent(ends::add);
    }
    if (ends.isEmpty()) {
      throw metadata.wrong(EOS, "an id that ends an answer");
    }
    return new TokenIds(
        metadata.integer("tokenizer.ggml.padding_token_id", 0, last),
        metadata.integer("tokenizer.ggml.bos_token_id", 0, last),
        ends.stream().distinct().toList());
  }
}
