package dev.baichuan4j.internal.arch;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.internal.arch.Architecture.Heads;
import dev.baichuan4j.internal.arch.Architecture.Projections;
import dev.baichuan4j.internal.arch.Architecture.TokenIds;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/**
 * Reads what a model is from its {@code config.json}. {@code model_type} says how the other keys
 * are meant: {@link BaichuanConfig} for the Baichuan models, this class for their relatives in
 * transformers' form: {@code llama}, {@code mistral}, {@code qwen2} and {@code qwen3}. A key that
 * would change the result and cannot be followed is refused by its name; others are not looked at.
 */
public final class ConfigFile {
  /** Bytes of a config file; published ones have about 700. */
  private static final int MAX_BYTES = 1 << 20;

  private static final List<String> LENGTH_KEYS =
      List.of(
          "max_position_embeddings",
          "max_sequence_length",
          "seq_length",
          "max_seq_len",
          "model_max_length");

  private static final String WINDOW = "sliding_window";

  /** {@code max_window_layers} where the key is absent, in transformers' Qwen 2 and 3. */
  private static final int QWEN_FULL_LAYERS = 28;

  /** The relatives: the value of {@code model_type} and how their attention differs. */
  private enum Relative {
    LLAMA("LlamaForCausalLM"),
    MISTRAL("MistralForCausalLM"),
    QWEN2("Qwen2ForCausalLM"),
    QWEN3("Qwen3ForCausalLM");

    final String architecture;

    Relative(String architecture) {
      this.architecture = architecture;
    }

    boolean isQwen() {
      return this == QWEN2 || this == QWEN3;
    }
  }

  private ConfigFile() {}

  /**
   * Reads {@code config.json}.
   *
   * @throws ModelFormatException if the file is missing, is not the config of a model that is known
   *     here, or has a value out of range
   */
  public static Architecture read(Path file) {
    return of(JsonObject.read(file, MAX_BYTES));
  }

  /**
   * Reads that of a model.
   *
   * @throws ModelFormatException as {@link #read(Path)}
   */
  public static Architecture read(NamedFiles model) {
    return of(JsonObject.read(model, "config.json", MAX_BYTES));
  }

  /**
   * Reads the content of a {@code config.json}.
   *
   * @param json the file's bytes, UTF-8
   * @param file the file's name, for messages
   * @throws ModelFormatException as {@link #read(Path)}
   */
  public static Architecture parse(byte[] json, String file) {
    return of(JsonObject.parse(json, file));
  }

  private static Architecture of(JsonObject json) {
    refuseUnsupported(json);
    String type = json.optionalString("model_type").orElse("");
    return switch (type.toLowerCase(Locale.ROOT)) {
      case "baichuan" -> BaichuanConfig.read(json);
      case "llama" -> relative(json, Relative.LLAMA);
      case "mistral" -> relative(json, Relative.MISTRAL);
      case "qwen2" -> relative(json, Relative.QWEN2);
      case "qwen3" -> relative(json, Relative.QWEN3);
      default ->
          throw json.wrong(
              "model_type", "\"baichuan\", \"llama\", \"mistral\", \"qwen2\" or \"qwen3\"");
    };
  }

  /** Refuses what would change the result if it were ignored. */
  private static void refuseUnsupported(JsonObject json) {
    if (!json.optionalString("hidden_act").orElse("silu").equals("silu")) {
      throw json.wrong("hidden_act", "\"silu\"");
    }
    if (json.optionalBoolean("mlp_bias").orElse(false)) {
      throw json.wrong("mlp_bias", "false");
    }
    if (json.optionalNumber("partial_rotary_factor").orElse(1.0) != 1) {
      throw json.wrong("partial_rotary_factor", "1");
    }
  }

  private static Architecture relative(JsonObject json, Relative relative) {
    List<String> architectures = json.strings("architectures");
    if (!architectures.equals(List.of(relative.architecture))) {
      throw new ModelFormatException(
          json.file(),
          "architectures",
          "[" + relative.architecture + "] beside this model_type",
          architectures.toString());
    }
    boolean attentionBias = json.optionalBoolean("attention_bias").orElse(false);
    boolean headNorms = relative == Relative.QWEN3;
    Projections projections =
        relative == Relative.QWEN2
            ? new Projections(false, true, false, headNorms)
            : new Projections(false, attentionBias, attentionBias, headNorms);
    int layers = json.integer(Architecture.LAYERS);
    boolean tied = json.optionalBoolean("tie_word_embeddings").orElse(false);
    return build(
        json,
        relative.architecture,
        RopeConfig.read(json, maxPositions(json)),
        projections,
        windows(json, relative, layers),
        tied ? Head.TIED : Head.PLAIN);
  }

  /** Reads what all kinds have alike, and puts it together. */
  static Architecture build(
      JsonObject json,
      String architecture,
      Positions positions,
      Projections projections,
      List<Integer> windows,
      Head head) {
    int vocabularySize = json.integer(Architecture.VOCABULARY_SIZE);
    int hiddenSize = json.integer(Architecture.HIDDEN_SIZE);
    Heads heads = heads(json, hiddenSize);
    float normEps =
        json.optionalNumber("rms_norm_eps")
            .orElseThrow(() -> json.wrong("rms_norm_eps", "a number"))
            .floatValue();
    Architecture.unfit(heads, normEps, positions)
        .ifPresent(
            unfit -> {
              throw new ModelFormatException(
                  json.file(), unfit.key(), unfit.expected(), unfit.found());
            });
    return new Architecture(
        architecture,
        hiddenSize,
        json.integer(Architecture.LAYERS),
        heads,
        json.integer(Architecture.INTERMEDIATE_SIZE),
        vocabularySize,
        normEps,
        maxPositions(json),
        positions,
        projections,
        windows,
        head,
        tokens(json, vocabularySize));
  }

  private static Heads heads(JsonObject json, int hiddenSize) {
    int queries = json.integer(Architecture.HEADS);
    int keyValues = json.optionalInteger(Architecture.KV_HEADS).orElse(queries);
    OptionalInt size = json.optionalInteger(Architecture.HEAD_SIZE);
    if (size.isPresent()) {
      return new Heads(queries, keyValues, size.getAsInt());
    }
    int shared = hiddenSize / queries;
    if (hiddenSize % queries != 0 || shared % 8 != 0 || shared > Architecture.MAX_HEAD_SIZE) {
      throw new ModelFormatException(
          json.file(),
          "hidden_size",
          "a head size that is a multiple of 8 and at most 256",
          hiddenSize + " for " + queries + " heads");
    }
    return new Heads(queries, keyValues, shared);
  }

  private static TokenIds tokens(JsonObject json, int vocabularySize) {
    List<Integer> ends = json.integers(Architecture.tokenRange("eos_token_id", vocabularySize));
    if (ends.isEmpty()) {
      throw json.wrong("eos_token_id", "an id that ends an answer, or a list of them");
    }
    return new TokenIds(
        json.optionalInteger(Architecture.tokenRange("pad_token_id", vocabularySize)),
        json.optionalInteger(Architecture.tokenRange("bos_token_id", vocabularySize)),
        ends);
  }

  /** Returns the first of the keys that say how long a text may be. */
  static int maxPositions(JsonObject json) {
    String key =
        LENGTH_KEYS.stream()
            .filter(json::has)
            .findFirst()
            .orElseThrow(
                () -> json.wrong(LENGTH_KEYS.get(0), "a length here or in one of " + LENGTH_KEYS));
    return json.integer(Architecture.lengthRange(key));
  }

  private static List<Integer> windows(JsonObject json, Relative relative, int layers) {
    OptionalInt window = json.optionalInteger(Architecture.lengthRange(WINDOW));
    List<String> types = json.strings("layer_types");
    if (!types.isEmpty()) {
      return windowsOf(json, types, window, layers);
    }
    boolean used =
        relative == Relative.MISTRAL
            || (relative.isQwen() && json.optionalBoolean("use_sliding_window").orElse(false));
    if (!used || window.isEmpty()) {
      return List.of();
    }
    int full =
        relative == Relative.MISTRAL
            ? 0
            : json.optionalInteger(Architecture.FULL_LAYERS).orElse(QWEN_FULL_LAYERS);
    List<Integer> windows = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      windows.add(i < full ? 0 : window.getAsInt());
    }
    return windows;
  }

  private static List<Integer> windowsOf(
      JsonObject json, List<String> types, OptionalInt window, int layers) {
    if (types.size() != layers) {
      throw new ModelFormatException(
          json.file(), "layer_types", layers + " entries, one a layer", types.size() + " entries");
    }
    List<Integer> windows = new ArrayList<>();
    for (String type : types) {
      windows.add(
          switch (type) {
            case "full_attention" -> 0;
            case "sliding_attention" ->
                window.orElseThrow(() -> json.wrong(WINDOW, "a number beside sliding_attention"));
            default ->
                throw new ModelFormatException(
                    json.file(),
                    "layer_types",
                    "full_attention or sliding_attention in each entry",
                    type);
          });
    }
    return Collections.max(windows) == 0 ? List.of() : windows;
  }
}
