package dev.baichuan4j.internal.arch;

import dev.baichuan4j.internal.arch.Positions.Rope;
import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The keys of a config that say how queries and keys are rotated: {@code rope_theta} and {@code
 * rope_scaling}, or {@code rope_parameters} that holds both, as transformers 5 writes them.
 */
final class RopeConfig {
  private static final double BASE = 10_000;
  private static final String FACTOR = "factor";

  /** A type of this project: each frequency has a divisor of its own, as a GGUF file has them. */
  static final String DIVIDED = "divided";

  static final String DIVISORS = "divisors";

  /** Half of the largest head. */
  private static final int MOST_DIVISORS = 512;

  private static final String ORIGINAL = "original_max_position_embeddings";

  private RopeConfig() {}

  /**
   * @param maxPositions positions that the model was made for
   */
  static Rope read(JsonObject json, int maxPositions) {
    Optional<JsonObject> parameters = json.optionalObject("rope_parameters");
    Optional<JsonObject> scaling = parameters.or(() -> json.optionalObject("rope_scaling"));
    double base =
        json.optionalNumber("rope_theta")
            .or(() -> parameters.flatMap(p -> p.optionalNumber("rope_theta")))
            .orElse(BASE);
    return new Rope(
        base, scaling.map(s -> scaling(s, maxPositions)).orElse(new RopeScaling.None()));
  }

  private static RopeScaling scaling(JsonObject json, int maxPositions) {
    String key = json.has("rope_type") || !json.has("type") ? "rope_type" : "type";
    return switch (json.optionalString(key).orElse("")) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(atLeastOne(json, FACTOR));
      case "dynamic" -> new RopeScaling.DynamicNtk(atLeastOne(json, FACTOR), maxPositions);
      case "yarn" -> yarn(json, maxPositions);
      case "llama3" ->
          new RopeScaling.Llama3(
              atLeastOne(json, FACTOR),
              positive(json, "low_freq_factor"),
              positive(json, "high_freq_factor"),
              original(json).orElseThrow(() -> json.wrong(ORIGINAL, "a number of positions")));
      case DIVIDED -> new RopeScaling.Divided(divisors(json));
      default ->
          throw json.wrong(key, "\"default\", \"linear\", \"dynamic\", \"yarn\" or \"llama3\"");
    };
  }

  private static List<Float> divisors(JsonObject json) {
    List<Float> divisors = new ArrayList<>();
    for (double number : json.numbers(DIVISORS)) {
      float divisor = (float) number;
      if (!(divisor > 0 && divisor <= 1e6f) || divisors.size() == MOST_DIVISORS) {
        throw json.wrong(DIVISORS, "numbers greater than 0 and at most 1e6, one a pair of a head");
      }
      divisors.add(divisor);
    }
    return divisors;
  }

  private static RopeScaling yarn(JsonObject json, int maxPositions) {
    double factor = atLeastOne(json, FACTOR);
    double scale = json.optionalNumber("mscale").orElse(0.0);
    double scaleOfAll = json.optionalNumber("mscale_all_dim").orElse(0.0);
    float usual =
        scale != 0 && scaleOfAll != 0
            ? RopeScaling.Yarn.usualAttentionFactor(factor, scale)
                / RopeScaling.Yarn.usualAttentionFactor(factor, scaleOfAll)
            : RopeScaling.Yarn.usualAttentionFactor(factor, 1);
    float attention = json.optionalNumber("attention_factor").map(Double::floatValue).orElse(usual);
    if (!(attention > 0 && attention <= 1e6)) {
      throw json.wrong("attention_factor", "a number greater than 0 and at most 1e6");
    }
    return new RopeScaling.Yarn(
        factor,
        original(json).orElse(maxPositions),
        json.has("beta_fast") ? positive(json, "beta_fast") : 32,
        json.has("beta_slow") ? positive(json, "beta_slow") : 1,
        json.optionalBoolean("truncate").orElse(true),
        attention);
  }

  private static Optional<Integer> original(JsonObject json) {
    IntRange range = Architecture.lengthRange(ORIGINAL);
    return json.has(ORIGINAL) ? Optional.of(json.integer(range)) : Optional.empty();
  }

  private static double atLeastOne(JsonObject json, String key) {
    double number = json.optionalNumber(key).orElse(0.0);
    if (!(number >= 1 && number <= 1e6)) {
      throw json.wrong(key, "a number from 1 to 1e6");
    }
    return number;
  }

  private static double positive(JsonObject json, String key) {
    double number = json.optionalNumber(key).orElse(0.0);
    if (!(number > 0 && number <= 1e6)) {
      throw json.wrong(key, "a number greater than 0 and at most 1e6");
    }
    return number;
  }
}
