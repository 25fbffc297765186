package dev.baichuan4j.internal.arch;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.internal.arch.Architecture.Projections;
import dev.baichuan4j.internal.json.JsonObject;
import java.util.List;

/**
 * The config of a Baichuan model. No value comes from a default of the published Python classes,
 * which differ between the releases; only {@code rope_theta}, which no release wrote, is 10000
 * where absent.
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
 */
final class BaichuanConfig {
  private static final int HIDDEN_7B = 4096;
  private static final int HIDDEN_13B = 5120;
  private static final int VOCABULARY_2 = 125_696;

  private BaichuanConfig() {}

  static Architecture read(JsonObject json) {
    String architecture = architecture(json);
    if (json.optionalBoolean("tie_word_embeddings").orElse(false)) {
      throw json.wrong("tie_word_embeddings", "false");
    }
    boolean rope = isRope(json, architecture, json.integer(Architecture.HIDDEN_SIZE));
    if (!rope && json.has("rope_scaling")) {
      throw json.wrong("rope_scaling", "none beside ALiBi");
    }
    return ConfigFile.build(
        json,
        architecture,
        rope ? RopeConfig.read(json, ConfigFile.maxPositions(json)) : new Positions.Alibi(),
        Projections.BAICHUAN,
        List.of(),
        head(json));
  }

  private static String architecture(JsonObject json) {
    List<String> architectures = json.strings("architectures");
    if (architectures.size() != 1
        || !architectures.get(0).equalsIgnoreCase("BaichuanForCausalLM")) {
      throw new ModelFormatException(
          json.file(),
          "architectures",
          "[BaichuanForCausalLM] or [BaiChuanForCausalLM] beside this model_type",
          architectures.toString());
    }
    return architectures.get(0);
  }

  private static boolean isRope(JsonObject json, String architecture, int hiddenSize) {
    String key = "position_embedding";
    if (json.has(key)) {
      return switch (json.optionalString(key).orElseThrow()) {
        case "rope" -> true;
        case "alibi" -> false;
        default -> throw json.wrong(key, "\"rope\" or \"alibi\"");
      };
    }
    if (hiddenSize == HIDDEN_7B || hiddenSize == HIDDEN_13B) {
      return hiddenSize == HIDDEN_7B;
    }
    return architecture.equals("BaiChuanForCausalLM") || json.has("max_position_embeddings");
  }

  private static Head head(JsonObject json) {
    int vocabularySize = json.integer(Architecture.VOCABULARY_SIZE);
    boolean norm =
        json.optionalBoolean("norm_head")
            .orElse(json.has("z_loss_weight") || vocabularySize >= VOCABULARY_2);
    return norm ? Head.NORM : Head.PLAIN;
  }
}
