package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.ModelShape.Position;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a model is, as its {@code config.json} says. No value comes from a default of the published
 * Python classes, which differ between the releases; only {@code rope_theta}, which no release
 * wrote, is 10000 where absent.
 *
 * <p>The four families are told apart so:
 *
 * <ul>
 *   <li><b>RoPE or ALiBi.</b> {@code position_embedding} ({@code "rope"} or {@code "alibi"}, a key
 *       of this project) decides where it is there. Otherwise a hidden size of 4096 is a 7B model
 *       (RoPE) and one of 5120 a 13B model (ALiBi), because people add {@code
 *       max_position_embeddings} to 13B files by hand. Models of other sizes are RoPE if the
 *       architecture is written {@code BaiChuanForCausalLM}, as only Baichuan-7B writes it, or if
 *       there is {@code max_position_embeddings}, which the 13B releases lack; else ALiBi.
 *   <li><b>Plain head or NormHead.</b> {@code norm_head} (a boolean, a key of this project) decides
 *       where it is there. Otherwise the head is a NormHead if {@code z_loss_weight} is there or
 *       the vocabulary has at least 125696 pieces, both marks of Baichuan 2.
 * </ul>
 *
 * @param architecture the entry of {@code architectures}, such as {@code BaichuanForCausalLM}
 * @param hiddenSize C, {@code hidden_size}
 * @param layers L, {@code num_hidden_layers}
 * @param heads H, {@code num_attention_heads}
 * @param intermediateSize F, {@code intermediate_size}
 * @param vocabularySize V, {@code vocab_size}
 * @param rmsNormEps {@code rms_norm_eps}
 * @param maxPositions the tokens the model was made for: the first of {@code
 *     max_position_embeddings}, {@code max_sequence_length}, {@code seq_length}, {@code
 *     max_seq_len}, {@code model_max_length} that is there
 * @param position how positions enter attention
 * @param ropeBase base of the RoPE frequencies; of no meaning with ALiBi
 * @param head how logits come from the last hidden state
 * @param padId {@code pad_token_id}, where there is one
 * @param bosId {@code bos_token_id}, where there is one
 * @param eosId {@code eos_token_id}, which ends an answer
 */
public record ModelConfig(
    String architecture,
    int hiddenSize,
    int layers,
    int heads,
    int intermediateSize,
    int vocabularySize,
    float rmsNormEps,
    int maxPositions,
    Position position,
    float ropeBase,
    Head head,
    OptionalInt padId,
    OptionalInt bosId,
    int eosId) {

  /** Bytes of a config file; published ones have about 700. */
  static final int MAX_FILE_BYTES = 1 << 20;

  private static final int HIDDEN_7B = 4096;
  private static final int HIDDEN_13B = 5120;
  private static final int VOCABULARY_2 = 125_696;
  private static final double ROPE_BASE = 10_000;
  private static final int MAX_HEAD_SIZE = 256;

  // Limits are some times the largest published dense models: they keep products inside 63 bits.
  private static final IntRange HIDDEN_SIZE = new IntRange("hidden_size", 1, 1 << 16);
  private static final IntRange LAYERS = new IntRange("num_hidden_layers", 1, 1000);
  private static final IntRange HEADS = new IntRange("num_attention_heads", 1, 1024);
  private static final IntRange INTERMEDIATE_SIZE = new IntRange("intermediate_size", 1, 1 << 20);
  private static final IntRange VOCABULARY_SIZE = new IntRange("vocab_size", 1, 1 << 21);
  private static final int MAX_POSITIONS = 1 << 24;
  private static final List<String> LENGTH_KEYS =
      List.of(
          "max_position_embeddings",
          "max_sequence_length",
          "seq_length",
          "max_seq_len",
          "model_max_length");

  /**
   * Checks the values.
   *
   * @throws InvalidRequestException if one is out of its range; the parameter is named by its key
   *     of {@code config.json}
   */
  public ModelConfig {
    HIDDEN_SIZE.check(hiddenSize);
    LAYERS.check(layers);
    HEADS.check(heads);
    INTERMEDIATE_SIZE.check(intermediateSize);
    VOCABULARY_SIZE.check(vocabularySize);
    lengthRange("max_position_embeddings").check(maxPositions);
    unfit(hiddenSize, heads, rmsNormEps, ropeBase)
        .ifPresent(
            unfit -> {
              throw new InvalidRequestException(unfit.key(), unfit.found(), unfit.expected());
            });
    padId.ifPresent(tokenRange("pad_token_id", vocabularySize)::check);
    bosId.ifPresent(tokenRange("bos_token_id", vocabularySize)::check);
    tokenRange("eos_token_id", vocabularySize).check(eosId);
  }

  /**
   * Describes a Baichuan model of any size, with the constants that all published ones share:
   * epsilon 1e-6, RoPE base 10000, pad 0, bos 1, eos 2.
   *
   * @throws InvalidRequestException if a size is out of its range
   */
  public static ModelConfig of(ModelShape shape) {
    return new ModelConfig(
        "BaichuanForCausalLM",
        shape.hiddenSize(),
        shape.layers(),
        shape.heads(),
        shape.intermediateSize(),
        shape.vocabularySize(),
        1e-6f,
        shape.maxPositions(),
        shape.position(),
        (float) ROPE_BASE,
        shape.head(),
        OptionalInt.of(0),
        OptionalInt.of(1),
        2);
  }

  /** Returns the sizes and choices alone. */
  public ModelShape shape() {
    return new ModelShape(
        hiddenSize, layers, heads, intermediateSize, vocabularySize, maxPositions, position, head);
  }

  /** Returns D, the size of one head. */
  public int headSize() {
    return hiddenSize / heads;
  }

  /**
   * Reads {@code config.json}.
   *
   * @throws ModelFormatException if the file is missing, is not the config of a Baichuan model, or
   *     has a value out of range
   */
  public static ModelConfig read(Path file) {
    return of(JsonObject.read(file, MAX_FILE_BYTES), file.toString());
  }

  /**
   * Reads the content of a {@code config.json}.
   *
   * @param json the file's bytes, UTF-8
   * @param file the file's name, for messages
   * @throws ModelFormatException as {@link #read}
   */
  public static ModelConfig parse(byte[] json, String file) {
    return of(JsonObject.parse(json, file), file);
  }

  private static ModelConfig of(JsonObject json, String file) {
    String architecture = architecture(json);
    refuseUnsupported(json);
    int vocabularySize = json.integer(VOCABULARY_SIZE);
    int hiddenSize = json.integer(HIDDEN_SIZE);
    int heads = json.integer(HEADS);
    float rmsNormEps =
        json.optionalNumber("rms_norm_eps")
            .orElseThrow(() -> json.wrong("rms_norm_eps", "a number"))
            .floatValue();
    float ropeBase = json.optionalNumber("rope_theta").orElse(ROPE_BASE).floatValue();
    unfit(hiddenSize, heads, rmsNormEps, ropeBase)
        .ifPresent(
            unfit -> {
              throw new ModelFormatException(file, unfit.key(), unfit.expected(), unfit.found());
            });
    return new ModelConfig(
        architecture,
        hiddenSize,
        json.integer(LAYERS),
        heads,
        json.integer(INTERMEDIATE_SIZE),
        vocabularySize,
        rmsNormEps,
        json.integer(lengthRange(lengthKey(json))),
        position(json, architecture, hiddenSize),
        ropeBase,
        head(json, vocabularySize),
        json.optionalInteger(tokenRange("pad_token_id", vocabularySize)),
        json.optionalInteger(tokenRange("bos_token_id", vocabularySize)),
        json.integer(tokenRange("eos_token_id", vocabularySize)));
  }

  private record Unfit(String key, String found, String expected) {}

  /** Looks for a value that is wrong beside others, or that is no integer. */
  private static Optional<Unfit> unfit(
      int hiddenSize, int heads, float rmsNormEps, float ropeBase) {
    int headSize = hiddenSize / heads;
    if (hiddenSize % heads != 0 || headSize % 8 != 0 || headSize > MAX_HEAD_SIZE) {
      return Optional.of(
          new Unfit(
              "hidden_size",
              hiddenSize + " for " + heads + " heads",
              "a head size that is a multiple of 8 and at most " + MAX_HEAD_SIZE));
    }
    if (!(rmsNormEps > 0 && rmsNormEps < 1)) {
      return Optional.of(
          new Unfit("rms_norm_eps", Float.toString(rmsNormEps), "a number between 0 and 1"));
    }
    if (!(ropeBase >= 1 && ropeBase <= 1e12f)) {
      return Optional.of(
          new Unfit("rope_theta", Float.toString(ropeBase), "a number from 1 to 1e12"));
    }
    return Optional.empty();
  }

  private static String architecture(JsonObject json) {
    if (!json.optionalString("model_type").orElse("").equalsIgnoreCase("baichuan")) {
      throw json.wrong("model_type", "\"baichuan\"");
    }
    List<String> architectures = json.strings("architectures");
    if (architectures.size() != 1
        || !architectures.get(0).equalsIgnoreCase("BaichuanForCausalLM")) {
      throw new ModelFormatException(
          json.file(),
          "architectures",
          "[BaichuanForCausalLM] or [BaiChuanForCausalLM]; of a model converted to LLaMA's form"
              + " take the original",
          architectures.toString());
    }
    return architectures.get(0);
  }

  /** Refuses what would change the result if it were ignored. */
  private static void refuseUnsupported(JsonObject json) {
    if (json.has("quantization_config")) {
      throw json.wrong(
          "quantization_config",
          "none; take the checkpoint that is not quantized, and quantize while loading");
    }
    if (json.has("rope_scaling")) {
      throw json.wrong("rope_scaling", "none");
    }
    if (!json.optionalString("hidden_act").orElse("silu").equals("silu")) {
      throw json.wrong("hidden_act", "\"silu\"");
    }
    if (json.optionalBoolean("tie_word_embeddings").orElse(false)) {
      throw json.wrong("tie_word_embeddings", "false");
    }
  }

  private static String lengthKey(JsonObject json) {
    return LENGTH_KEYS.stream()
        .filter(json::has)
        .findFirst()
        .orElseThrow(
            () -> json.wrong(LENGTH_KEYS.get(0), "a length here or in one of " + LENGTH_KEYS));
  }

  private static Position position(JsonObject json, String architecture, int hiddenSize) {
    String key = "position_embedding";
    if (json.has(key)) {
      return switch (json.optionalString(key).orElseThrow()) {
        case "rope" -> Position.ROPE;
        case "alibi" -> Position.ALIBI;
        default -> throw json.wrong(key, "\"rope\" or \"alibi\"");
      };
    }
    if (hiddenSize == HIDDEN_7B || hiddenSize == HIDDEN_13B) {
      return hiddenSize == HIDDEN_7B ? Position.ROPE : Position.ALIBI;
    }
    boolean rope =
        architecture.equals("BaiChuanForCausalLM") || json.has("max_position_embeddings");
    return rope ? Position.ROPE : Position.ALIBI;
  }

  private static Head head(JsonObject json, int vocabularySize) {
    boolean norm =
        json.optionalBoolean("norm_head")
            .orElse(json.has("z_loss_weight") || vocabularySize >= VOCABULARY_2);
    return norm ? Head.NORM : Head.PLAIN;
  }

  private static IntRange lengthRange(String key) {
    return new IntRange(key, 1, MAX_POSITIONS);
  }

  private static IntRange tokenRange(String key, int vocabularySize) {
    return new IntRange(key, 0, vocabularySize - 1);
  }

  /** Returns the name and shape of every weight, in the order of the forward pass. */
  public Map<String, long[]> tensorShapes() {
    long c = hiddenSize;
    long f = intermediateSize;
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("model.embed_tokens.weight", new long[] {vocabularySize, c});
    for (int i = 0; i < layers; i++) {
      String layer = "model.layers." + i + ".";
      shapes.put(layer + "input_layernorm.weight", new long[] {c});
      shapes.put(layer + "self_attn.W_pack.weight", new long[] {3 * c, c});
      shapes.put(layer + "self_attn.o_proj.weight", new long[] {c, c});
      shapes.put(layer + "post_attention_layernorm.weight", new long[] {c});
      shapes.put(layer + "mlp.gate_proj.weight", new long[] {f, c});
      shapes.put(layer + "mlp.up_proj.weight", new long[] {f, c});
      shapes.put(layer + "mlp.down_proj.weight", new long[] {c, f});
    }
    shapes.put("model.norm.weight", new long[] {c});
    shapes.put("lm_head.weight", new long[] {vocabularySize, c});
    return shapes;
  }
}
