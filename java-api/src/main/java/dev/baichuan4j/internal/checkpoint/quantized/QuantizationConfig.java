package dev.baichuan4j.internal.checkpoint.quantized;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.PathProblem;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Says which form the weights of a folder have: by {@code quantization_config} in its {@code
 * config.json}, or by the files of their own that AutoGPTQ and AutoAWQ wrote before transformers
 * had that key. A key that would change the result and cannot be followed is refused by its name.
 */
public final class QuantizationConfig {
  /** Bytes of a config file; those with lists of modules have some 10,000. */
  private static final int MAX_BYTES = 1 << 20;

  /** The newer and the older key of compressed-tensors. */
  private static final List<String> KEYS = List.of("quantization_config", "compression_config");

  private static final List<String> FILES = List.of("quantize_config.json", "quant_config.json");
  private static final String METHOD = "quant_method";

  private QuantizationConfig() {}

  /**
   * Reads which form a folder has.
   *
   * @param names of the tensors of its weights
   * @return the form, or empty where nothing says that weights are quantized
   * @throws ModelFormatException if it is a form that is not read here, or a key has a value that
   *     cannot be followed
   */
  public static Optional<QuantizedForm> read(Path folder, Set<String> names) {
    JsonObject config = JsonObject.read(folder.resolve("config.json"), MAX_BYTES);
    for (String key : KEYS) {
      if (config.has(key)) {
        return Optional.of(form(config.object(key)));
      }
    }
    if (names.stream().anyMatch(name -> name.endsWith(".qweight"))) {
      for (String file : FILES) {
        Path path = folder.resolve(file);
        if (PathProblem.isThere(path)) {
          return Optional.of(form(JsonObject.read(path, MAX_BYTES)));
        }
      }
      throw new ModelFormatException(
          folder.resolve("config.json"),
          KEYS.get(0),
          "how the codes of the weights are to be read, here or in " + FILES.get(0),
          "no value");
    }
    return BitsAndBytesForm.isKnownBy(names)
        ? Optional.of(new BitsAndBytesForm())
        : Optional.empty();
  }

  private static QuantizedForm form(JsonObject json) {
    return switch (method(json)) {
      case "bitsandbytes", "bitsandbytes_4bit", "bitsandbytes_8bit" -> new BitsAndBytesForm();
      case "gptq" -> GptqForm.read(json);
      case "awq" -> AwqForm.read(json);
      case "compressed-tensors" -> CompressedTensorsForm.read(json);
      default ->
          throw json.wrong(
              METHOD,
              "\"bitsandbytes\", \"gptq\", \"awq\" or \"compressed-tensors\"; for others take the"
                  + " checkpoint that is not quantized, and quantize while loading");
    };
  }

  /** The name of the form; configs that are older than the key are told by those they have. */
  private static String method(JsonObject json) {
    if (json.has(METHOD)) {
      return json.optionalString(METHOD).orElseThrow();
    }
    if (json.optionalBoolean("load_in_4bit").orElse(false)
        || json.optionalBoolean("load_in_8bit").orElse(false)) {
      return "bitsandbytes";
    }
    if (json.has("config_groups")) {
      return "compressed-tensors";
    }
    return json.has("w_bit") ? "awq" : json.has("bits") ? "gptq" : "";
  }
}
