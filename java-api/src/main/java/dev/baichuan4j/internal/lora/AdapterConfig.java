package dev.baichuan4j.internal.lora;

import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What an {@code adapter_config.json} of peft says. A setting that would change what the adapter
 * does, and is not followed here, is refused by its name; so is one that nobody knows, unless it is
 * off: null, false or empty.
 *
 * <p>The keys are those of peft's {@code LoraConfig}:
 * https://github.com/huggingface/peft/blob/main/src/peft/tuners/lora/config.py
 */
final class AdapterConfig {
  /** The largest rank that {@code bc_lora} takes. */
  static final int MAX_RANK = 512;

  private static final int MAX_BYTES = 1 << 20;

  /** Keys that say how an adapter was trained, or by what: they change nothing here. */
  private static final Set<String> OF_TRAINING =
      Set.of(
          "auto_mapping",
          "base_model_name_or_path",
          "ensure_weight_tying",
          "eva_config",
          "inference_mode",
          "lora_dropout",
          "lora_ga_config",
          "megatron_core",
          "peft_version",
          "qalora_group_size",
          "revision",
          "runtime_config",
          "task_type");

  /** Keys that are followed. */
  private static final Set<String> FOLLOWED =
      Set.of(
          "alpha_pattern",
          "bias",
          "exclude_modules",
          "init_lora_weights",
          "layers_pattern",
          "layers_to_transform",
          "lora_alpha",
          "peft_type",
          "r",
          "rank_pattern",
          "target_modules",
          "use_rslora");

  /** Ways to begin a training that take something away from the base model. */
  private static final List<String> CHANGES_BASE = List.of("pissa", "olora", "corda", "loftq");

  private record Ranks(ModulePattern pattern, int rank) {}

  private record Alphas(ModulePattern pattern, double alpha) {}

  private final JsonObject json;
  private final int rank;
  private final double alpha;
  private final boolean rankStabilized;
  private final List<Ranks> ranks = new ArrayList<>();
  private final List<Alphas> alphas = new ArrayList<>();
  private final ModuleNames targets;
  private final ModuleNames excluded;
  private final Set<Integer> layers; // empty for all

  private AdapterConfig(JsonObject json) {
    this.json = json;
    checkKeys();
    this.rank = json.optionalInteger(new IntRange("r", 1, MAX_RANK)).orElse(8);
    this.alpha = json.optionalNumber("lora_alpha").orElse(8.0);
    this.rankStabilized = json.optionalBoolean("use_rslora").orElse(false);
    readPatterns();
    this.targets = ModuleNames.read(json, "target_modules");
    this.excluded = ModuleNames.read(json, "exclude_modules");
    this.layers = Set.copyOf(json.integers(new IntRange("layers_to_transform", 0, 1000)));
  }

  static AdapterConfig read(Path file) {
    return new AdapterConfig(JsonObject.read(file, MAX_BYTES));
  }

  static AdapterConfig parse(byte[] bytes, String file) {
    return new AdapterConfig(JsonObject.parse(bytes, file));
  }

  private void checkKeys() {
    require(json.optionalString("peft_type").equals(Optional.of("LORA")), "peft_type", "\"LORA\"");
    require(
        json.optionalString("bias").orElse("none").equals("none"),
        "bias",
        "\"none\": biases of an adapter are not added");
    if (json.isString("init_lora_weights")) {
      String way = json.optionalString("init_lora_weights").orElseThrow();
      require(
          CHANGES_BASE.stream().noneMatch(way::startsWith),
          "init_lora_weights",
          "an adapter of the published base model; save it anew with peft's"
              + " path_initial_model_for_weight_conversion");
    } else {
      json.optionalBoolean("init_lora_weights");
    }
    if (json.has("layers_pattern") && !json.isOff("layers_pattern")) {
      List<String> patterns =
          json.isList("layers_pattern")
              ? json.strings("layers_pattern")
              : List.of(json.optionalString("layers_pattern").orElseThrow());
      require(patterns.equals(List.of("layers")), "layers_pattern", "\"layers\"");
    }
    for (String key : json.keys()) {
      if (!FOLLOWED.contains(key) && !OF_TRAINING.contains(key)) {
        require(json.isOff(key), key, "nothing, as it is not followed here");
      }
    }
  }

  private void require(boolean ok, String key, String expected) {
    if (!ok) {
      throw json.wrong(key, expected);
    }
  }

  private void readPatterns() {
    json.optionalObject("rank_pattern")
        .ifPresent(
            patterns -> {
              for (String key : patterns.keys()) {
                int value = patterns.integer(new IntRange(key, 1, MAX_RANK));
                ranks.add(new Ranks(pattern("rank_pattern", key), value));
              }
            });
    json.optionalObject("alpha_pattern")
        .ifPresent(
            patterns -> {
              for (String key : patterns.keys()) {
                double value =
                    patterns
                        .optionalNumber(key)
                        .orElseThrow(() -> patterns.wrong(key, "a finite number"));
                alphas.add(new Alphas(pattern("alpha_pattern", key), value));
              }
            });
  }

  /** An expression that matches the end of a module's name, behind a dot or all of it. */
  private ModulePattern pattern(String key, String expression) {
    return new ModulePattern(json.file(), key, "(?:.*\\.)?", expression);
  }

  /** Returns the file, for messages. */
  String file() {
    return json.file();
  }

  /** Returns whether a module of a layer is one that the adapter changes; -1 for no layer. */
  boolean has(String module, int layer) {
    return targets.contain(module)
        && !excluded.contain(module)
        && (layers.isEmpty() || layers.contains(layer));
  }

  /** Returns R of a module: the first pattern that matches its name says it. */
  int rank(String module) {
    for (Ranks some : ranks) {
      if (some.pattern.matches(module)) {
        return some.rank;
      }
    }
    return rank;
  }

  /** Returns the factor of a module's product: alpha / R, or alpha / sqrt(R) rank-stabilized. */
  double scale(String module) {
    int divisor = rank(module);
    double numerator = alpha;
    for (Alphas some : alphas) {
      if (some.pattern.matches(module)) {
        numerator = some.alpha;
        break;
      }
    }
    return numerator / (rankStabilized ? Math.sqrt(divisor) : divisor);
  }
}
