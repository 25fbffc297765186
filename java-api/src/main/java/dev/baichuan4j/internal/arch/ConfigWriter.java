package dev.baichuan4j.internal.arch;

import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.internal.json.JsonText;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Writes the {@code config.json} of a model that came without one. {@link ConfigFile} reads the
 * same model of it, but for queries, keys and values of a Baichuan, which are one matrix in its
 * published form.
 */
public final class ConfigWriter {
  private static final String TYPE = "rope_type";
  private static final String FACTOR = "factor";
  private static final String ORIGINAL = "original_max_position_embeddings";

  private ConfigWriter() {}

  /** Returns the content of the file, UTF-8. */
  public static byte[] write(Architecture model) {
    return JsonText.of(config(model)).getBytes(StandardCharsets.UTF_8);
  }

  /** Returns the keys and values of the file. */
  public static Map<String, Object> config(Architecture model) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("architectures", List.of(model.name()));
    json.put("model_type", type(model));
    json.put("hidden_size", model.hiddenSize());
    json.put("num_hidden_layers", model.layers());
    json.put("num_attention_heads", model.heads().queries());
    json.put("num_key_value_heads", model.heads().keyValues());
    json.put("head_dim", model.heads().size());
    json.put("intermediate_size", model.intermediateSize());
    json.put("vocab_size", model.vocabularySize());
    json.put("hidden_act", "silu");
    json.put("rms_norm_eps", Double.parseDouble(Float.toString(model.normEps())));
    json.put("tie_word_embeddings", model.head() == Head.TIED);
    model.tokens().pad().ifPresent(id -> json.put("pad_token_id", id));
    model.tokens().bos().ifPresent(id -> json.put("bos_token_id", id));
    List<Integer> ends = model.tokens().ends();
    json.put("eos_token_id", ends.size() == 1 ? ends.get(0) : ends);
    if (model.isRelative()) {
      json.put("attention_bias", model.projections().outputBias());
      putWindows(model, json);
    } else {
      json.put("norm_head", model.head() == Head.NORM);
    }
    putPositions(model, json);
    return json;
  }

  private static String type(Architecture model) {
    String name = model.name().toLowerCase(Locale.ROOT);
    return name.substring(0, name.length() - "forcausallm".length());
  }

  private static void putWindows(Architecture model, Map<String, Object> json) {
    if (model.windows().isEmpty()) {
      return;
    }
    json.put("sliding_window", model.windows().stream().max(Integer::compare).orElseThrow());
    json.put("use_sliding_window", true);
    json.put(
        "layer_types",
        model.windows().stream()
            .map(window -> window == 0 ? "full_attention" : "sliding_attention")
            .toList());
  }

  private static void putPositions(Architecture model, Map<String, Object> json) {
    boolean rope = model.positions() instanceof Positions.Rope;
    json.put(rope ? "max_position_embeddings" : "model_max_length", model.maxPositions());
    if (!model.isRelative()) {
      json.put("position_embedding", rope ? "rope" : "alibi");
    }
    if (model.positions() instanceof Positions.Rope rotated) {
      json.put("rope_theta", rotated.base());
      Map<String, Object> scaling = scaling(rotated.scaling());
      if (!scaling.isEmpty()) {
        json.put("rope_scaling", scaling);
      }
    }
  }

  private static Map<String, Object> scaling(RopeScaling scaling) {
    Map<String, Object> json = new LinkedHashMap<>();
    if (scaling instanceof RopeScaling.Linear linear) {
      json.put(TYPE, "linear");
      json.put(FACTOR, linear.factor());
    } else if (scaling instanceof RopeScaling.DynamicNtk dynamic) {
      json.put(TYPE, "dynamic");
      json.put(FACTOR, dynamic.factor());
    } else if (scaling instanceof RopeScaling.Yarn yarn) {
      json.put(TYPE, "yarn");
      json.put(FACTOR, yarn.factor());
      json.put(ORIGINAL, yarn.originalPositions());
      json.put("beta_fast", yarn.betaFast());
      json.put("beta_slow", yarn.betaSlow());
      json.put("truncate", yarn.truncate());
      json.put("attention_factor", Double.parseDouble(Float.toString(yarn.attentionFactor())));
    } else if (scaling instanceof RopeScaling.Llama3 llama) {
      json.put(TYPE, "llama3");
      json.put(FACTOR, llama.factor());
      json.put("low_freq_factor", llama.lowFrequencyFactor());
      json.put("high_freq_factor", llama.highFrequencyFactor());
      json.put(ORIGINAL, llama.originalPositions());
    } else if (scaling instanceof RopeScaling.Divided divided) {
      json.put(TYPE, RopeConfig.DIVIDED);
      json.put(
          RopeConfig.DIVISORS,
          divided.divisors().stream().map(d -> Double.parseDouble(Float.toString(d))).toList());
    }
    return json;
  }
}
