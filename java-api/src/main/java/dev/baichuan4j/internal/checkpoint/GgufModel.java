package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.checkpoint.gguf.GgufConfig;
import dev.baichuan4j.internal.checkpoint.gguf.GgufFile;
import dev.baichuan4j.internal.checkpoint.gguf.GgufMetadata;
import dev.baichuan4j.internal.checkpoint.gguf.GgufParts;
import dev.baichuan4j.internal.checkpoint.gguf.GgufTensor;
import dev.baichuan4j.internal.checkpoint.gguf.GgufTokenizer;
import dev.baichuan4j.internal.files.NamedFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * All that a GGUF file says of a model.
 *
 * @param architecture what it is made of
 * @param files what a folder would have of it beside {@code config.json} and weights
 * @param source its tensors
 * @param usualWeights the kind of weights that is nearest to what the file holds
 */
record GgufModel(
    Architecture architecture, NamedFiles files, TensorSource source, Quant usualWeights) {

  /** How the names of GGUF files end. */
  static final String EXTENSION = ".gguf";

  /** Bits of a coded weight up to which int4, which has 4.5, is nearer than int8, which has 8.5. */
  static final double MOST_BITS_OF_INT4 = 5;

  /** The ids of {@code <reserved_…>} that the published chat models of Baichuan have for roles. */
  private static final int USER = 195;

  private static final int ASSISTANT = 196;

  /** Sampling advice: the key of GGUF, and that of {@code generation_config.json}. */
  private static final Map<String, String> ADVICE =
      Map.of(
          "temp", "temperature",
          "top_k", "top_k",
          "top_p", "top_p",
          "min_p", "min_p",
          "penalty_repeat", "repetition_penalty");

  /**
   * Reads a file's header, and those of the files beside it that have other parts of the model.
   *
   * @throws ModelFormatException if it is malformed, or not a model that is known here
   */
  static GgufModel open(Path path) {
    GgufFile file = GgufParts.open(path);
    Architecture architecture = GgufConfig.architecture(file);
    return new GgufModel(
        architecture,
        NamedFiles.heldBy(path, files(file, architecture)),
        GgufTensors.of(file, GgufConfig.turnedHead(file, architecture)),
        usualWeights(file));
  }

  /** Reads the files of a tokenizer alone, which may be that of any model. */
  static NamedFiles files(Path path) {
    return NamedFiles.heldBy(path, GgufTokenizer.files(GgufFile.open(path).metadata()));
  }

  private static Map<String, byte[]> files(GgufFile file, Architecture architecture) {
    Map<String, byte[]> files = new LinkedHashMap<>(GgufTokenizer.files(file.metadata()));
    generationConfig(file, architecture)
        .ifPresent(json -> files.put(GenerationConfig.FILE_NAME, json));
    return files;
  }

  /**
   * Most of the bytes decide whether it is of codes; the codes of the layers, of which kind: the
   * embedding table and the head often have more bits.
   */
  private static Quant usualWeights(GgufFile file) {
    long coded = 0;
    long bytes = 0;
    long ofLayers = 0;
    double elements = 0;
    for (GgufTensor tensor : file.tensors().values()) {
      bytes += tensor.bytes();
      if (!tensor.kind().isPlain()) {
        coded += tensor.bytes();
        if (tensor.name().startsWith("blk.")) {
          ofLayers += tensor.bytes();
          elements += 8.0 * tensor.bytes() / tensor.kind().bits();
        }
      }
    }
    if (2 * coded < bytes) {
      return Quant.BF16;
    }
    return 8 * ofLayers <= MOST_BITS_OF_INT4 * elements ? Quant.INT4 : Quant.INT8;
  }

  /** The content of a generation_config.json, where the file has any of it. */
  private static Optional<byte[]> generationConfig(GgufFile file, Architecture architecture) {
    GgufMetadata metadata = file.metadata();
    Optional<String> published = metadata.string("baichuan4j.generation_config");
    if (published.isPresent()) {
      return published.map(json -> json.getBytes(StandardCharsets.UTF_8));
    }
    Map<String, Number> advice = new LinkedHashMap<>();
    ADVICE.forEach(
        (key, name) ->
            metadata
                .number("general.sampling." + key)
                .ifPresent(
                    value ->
                        advice.put(
                            name, name.equals("top_k") ? (Number) value.longValue() : value)));
    boolean samples = advice.getOrDefault("temperature", 0).doubleValue() > 0;
    if (hasRoles(metadata, architecture)) {
      advice.put("user_token_id", USER);
      advice.put("assistant_token_id", ASSISTANT);
    }
    if (advice.isEmpty()) {
      return Optional.empty();
    }
    StringJoiner json = new StringJoiner(", ", "{", ", \"do_sample\": " + samples + "}");
    advice.forEach((name, value) -> json.add("\"" + name + "\": " + value));
    return Optional.of(json.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** A Baichuan that is called a chat model, in whose vocabulary the two ids are reserved. */
  private static boolean hasRoles(GgufMetadata metadata, Architecture architecture) {
    List<String> tokens = metadata.strings("tokenizer.ggml.tokens");
    boolean chat =
        List.of("general.name", "general.basename", "general.finetune").stream()
            .map(key -> metadata.string(key).orElse("").toLowerCase(Locale.ROOT))
            .anyMatch(name -> name.matches("(.*[^a-z])?chat([^a-z].*)?"));
    return chat
        && architecture.name().equals("BaichuanForCausalLM")
        && tokens.size() > ASSISTANT
        && tokens.get(USER).matches("<reserved_\\d+>")
        && tokens.get(ASSISTANT).matches("<reserved_\\d+>");
  }
}
