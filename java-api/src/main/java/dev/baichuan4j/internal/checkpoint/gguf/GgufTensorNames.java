package dev.baichuan4j.internal.checkpoint.gguf;

import dev.baichuan4j.internal.arch.Architecture;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the tensors of a file are called in {@link Architecture}. */
public final class GgufTensorNames {
  /** Divisors of RoPE's frequencies: a part of the architecture and no weight. */
  public static final String ROPE_FACTORS = "rope_freqs.weight";

  static final String EMBEDDING = "token_embd.weight";
  static final String HEAD = "output.weight";

  private static final Map<String, String> WHOLE =
      Map.of(
          EMBEDDING,
          Architecture.EMBEDDING,
          "output_norm.weight",
          "model.norm.weight",
          HEAD,
          Architecture.HEAD);

  private static final Map<String, String> OF_LAYER =
      Map.ofEntries(
          Map.entry("attn_norm.weight", "input_layernorm.weight"),
          Map.entry("attn_q.weight", "self_attn.q_proj.weight"),
          Map.entry("attn_k.weight", "self_attn.k_proj.weight"),
          Map.entry("attn_v.weight", "self_attn.v_proj.weight"),
          Map.entry("attn_output.weight", "self_attn.o_proj.weight"),
          Map.entry("attn_q.bias", "self_attn.q_proj.bias"),
          Map.entry("attn_k.bias", "self_attn.k_proj.bias"),
          Map.entry("attn_v.bias", "self_attn.v_proj.bias"),
          Map.entry("attn_output.bias", "self_attn.o_proj.bias"),
          Map.entry("attn_q_norm.weight", "self_attn.q_norm.weight"),
          Map.entry("attn_k_norm.weight", "self_attn.k_norm.weight"),
          Map.entry("ffn_norm.weight", "post_attention_layernorm.weight"),
          Map.entry("ffn_gate.weight", "mlp.gate_proj.weight"),
          Map.entry("ffn_up.weight", "mlp.up_proj.weight"),
          Map.entry("ffn_down.weight", "mlp.down_proj.weight"));

  private static final Pattern LAYER = Pattern.compile("blk\\.(0|[1-9]\\d{0,3})\\.(.+)");
  private static final Pattern LAYER_HERE = Pattern.compile("model\\.layers\\.(\\d+)\\.(.+)");
  private static final Pattern QUERY_OR_KEY =
      Pattern.compile("blk\\.\\d+\\.attn_[qk]\\.(weight|bias)");

  private GgufTensorNames() {}

  /** Returns the name of a weight here; empty for a tensor that is none. */
  public static Optional<String> here(String name) {
    Matcher layer = LAYER.matcher(name);
    if (layer.matches()) {
      return Optional.ofNullable(OF_LAYER.get(layer.group(2)))
          .map(rest -> "model.layers." + layer.group(1) + "." + rest);
    }
    return Optional.ofNullable(WHOLE.get(name));
  }

  /**
   * Returns the name in a file of a weight here.
   *
   * @throws IllegalArgumentException if it has none there
   */
  public static String there(String name) {
    Matcher layer = LAYER_HERE.matcher(name);
    Map<String, String> names = layer.matches() ? OF_LAYER : WHOLE;
    String rest = layer.matches() ? layer.group(2) : name;
    String found =
        names.entrySet().stream()
            .filter(entry -> entry.getValue().equals(rest))
            .map(Map.Entry::getKey)
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException(name));
    return layer.matches() ? "blk." + layer.group(1) + "." + found : found;
  }

  /** Returns whether a tensor has rows that RoPE turns. */
  public static boolean isTurned(String name) {
    return QUERY_OR_KEY.matcher(name).matches();
  }
}
