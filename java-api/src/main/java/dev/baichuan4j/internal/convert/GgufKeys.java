package dev.baichuan4j.internal.convert;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.PieceType;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Positions;
import dev.baichuan4j.internal.arch.RopeScaling;
import dev.baichuan4j.internal.checkpoint.gguf.GgufByteLevelBpe;
import dev.baichuan4j.internal.checkpoint.gguf.GgufHeader;
import dev.baichuan4j.internal.tokenizer.VocabularyTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Writes what a model is to the keys of a GGUF file, for an llama.cpp that knows nothing of this
 * project: {@link dev.baichuan4j.internal.checkpoint.gguf.GgufConfig} reads them back. What cannot
 * be said in them is refused by its name.
 */
final class GgufKeys {
  private static final int LAYERS_7B = 32;
  private static final int LAYERS_13B = 40;
  private static final float ALIBI_BIAS = 8;

  /** The type of an id without a piece. */
  private static final int UNUSED = 5;

  private final GgufHeader header = new GgufHeader();
  private final Architecture model;
  private final String arch;

  private GgufKeys(Architecture model) {
    this.model = model;
    this.arch = architecture(model);
  }

  /**
   * Returns the architecture under which llama.cpp computes what a model does. It tells a Baichuan
   * with RoPE from one with ALiBi by the layers of the published ones; others are computed as the
   * architectures llama and refact are.
   */
  static String architecture(Architecture model) {
    boolean alibi = model.positions() instanceof Positions.Alibi;
    return switch (model.name()) {
      case "LlamaForCausalLM", "MistralForCausalLM" -> "llama";
      case "Qwen2ForCausalLM" -> "qwen2";
      case "Qwen3ForCausalLM" -> "qwen3";
      default ->
          model.layers() == (alibi ? LAYERS_13B : LAYERS_7B)
              ? "baichuan"
              : alibi ? "refact" : "llama";
    };
  }

  /** Returns whether rows of queries and keys lie in the order in which llama.cpp turns them. */
  static boolean turnsNeighbours(Architecture model) {
    String arch = architecture(model);
    return arch.equals("llama") || arch.equals("baichuan");
  }

  /**
   * Returns a header with the keys of a model.
   *
   * @param name of the model, for people, and to tell chat models
   * @param fileType the number that llama.cpp has for the kind of most tensors
   * @param generation the content of a generation_config.json
   * @param template the text of a chat template
   * @throws InvalidRequestException if llama.cpp has no key for what the model needs
   */
  static GgufHeader write(
      Architecture model,
      String name,
      int fileType,
      Optional<VocabularyTable> vocabulary,
      Optional<String> generation,
      Optional<String> template) {
    GgufKeys keys = new GgufKeys(model);
    keys.general(name, fileType, generation);
    keys.sizes();
    keys.positions();
    if (vocabulary.isPresent()) {
      keys.vocabulary(vocabulary.get());
    } else {
      keys.header.put("tokenizer.ggml.model", "none");
      keys.ids(model.tokens().bos(), model.tokens().pad());
    }
    template.ifPresent(text -> keys.header.put("tokenizer.chat_template", text));
    return keys.header;
  }

  private void general(String name, int fileType, Optional<String> generation) {
    header.put("general.architecture", arch);
    header.put("general.name", name);
    header.put("general.file_type", fileType);
    header.put("general.quantization_version", 2);
    if (!model.isRelative()) {
      header.put("baichuan4j.family", "baichuan");
    }
    generation.ifPresent(json -> header.put("baichuan4j.generation_config", json));
  }

  private void sizes() {
    put("vocab_size", model.vocabularySize());
    put("context_length", model.maxPositions());
    put("embedding_length", model.hiddenSize());
    put("block_count", model.layers());
    put("feed_forward_length", model.intermediateSize());
    put("attention.head_count", model.heads().queries());
    put("attention.head_count_kv", model.heads().keyValues());
    put("attention.key_length", model.heads().size());
    put("attention.value_length", model.heads().size());
    header.put(arch + ".attention.layer_norm_rms_epsilon", model.normEps());
    if (!model.windows().isEmpty()) {
      int window = model.windows().get(0);
      if (!arch.equals("llama") || model.windows().stream().anyMatch(w -> w != window)) {
        throw impossible("windows of attention in some layers");
      }
      put("attention.sliding_window", window);
    }
    if (!model.isRelative()) {
      header.put(arch + ".norm_head", false); // its rows are stored with the length 1
    }
  }

  private void put(String rest, int value) {
    header.put(arch + "." + rest, value);
  }

  private void positions() {
    if (!model.isRelative()) {
      boolean alibi = model.positions() instanceof Positions.Alibi;
      header.put(arch + ".attention.max_alibi_bias", alibi ? ALIBI_BIAS : 0f);
    }
    if (!(model.positions() instanceof Positions.Rope rope)) {
      return;
    }
    put("rope.dimension_count", model.heads().size());
    header.put(arch + ".rope.freq_base", (float) rope.base());
    RopeScaling scaling = rope.scaling();
    String type = arch + ".rope.scaling.type";
    String factor = arch + ".rope.scaling.factor";
    if (scaling instanceof RopeScaling.Linear linear) {
      header.put(type, "linear").put(factor, (float) linear.factor());
    } else if (scaling instanceof RopeScaling.Yarn yarn) {
      if (!yarn.truncate()
          || yarn.attentionFactor() != RopeScaling.Yarn.usualAttentionFactor(yarn.factor(), 1)) {
        throw impossible("YaRN with an attention factor of its own");
      }
      header.put(type, "yarn").put(factor, (float) yarn.factor());
      put("rope.scaling.original_context_length", yarn.originalPositions());
      header.put(arch + ".rope.scaling.yarn_beta_fast", (float) yarn.betaFast());
      header.put(arch + ".rope.scaling.yarn_beta_slow", (float) yarn.betaSlow());
    } else if (scaling instanceof RopeScaling.DynamicNtk) {
      throw impossible("RoPE whose base grows with the text (dynamic NTK)");
    }
  }

  /** The divisors of RoPE's frequencies, where they are a tensor of their own. */
  static Optional<float[]> divisors(Architecture model) {
    if (!(model.positions() instanceof Positions.Rope rope)
        || !(rope.scaling() instanceof RopeScaling.Llama3
            || rope.scaling() instanceof RopeScaling.Divided)) {
      return Optional.empty();
    }
    int size = model.heads().size();
    double[] plain = Positions.Rope.of(rope.base()).frequencies(size, model.maxPositions());
    double[] scaled = rope.frequencies(size, model.maxPositions());
    float[] divisors = new float[plain.length];
    for (int k = 0; k < divisors.length; k++) {
      divisors[k] = (float) (plain[k] / scaled[k]);
    }
    return Optional.of(divisors);
  }

  private void vocabulary(VocabularyTable table) {
    List<String> tokens = new ArrayList<>();
    List<Integer> types = new ArrayList<>();
    for (int id = 0; id < model.vocabularySize(); id++) {
      String piece = id < table.tokens().size() ? table.tokens().get(id) : null;
      tokens.add(piece == null ? "[PAD" + id + "]" : piece);
      types.add(piece == null ? UNUSED : type(table.types().get(id)));
    }
    if (table.sentencePiece().isPresent()) {
      sentencePiece(table.sentencePiece().get(), tokens.size());
    } else {
      bytePairs(table.bytePairs().orElseThrow());
    }
    header.putTexts("tokenizer.ggml.tokens", tokens);
    header.putInts("tokenizer.ggml.token_type", types);
    VocabularyTable.Special special = table.special();
    ids(or(model.tokens().bos(), special.bos()), or(model.tokens().pad(), special.pad()));
    special.unknown().ifPresent(id -> header.put("tokenizer.ggml.unknown_token_id", id));
    header.put("tokenizer.ggml.add_bos_token", special.addBos());
    header.put("tokenizer.ggml.add_eos_token", false);
  }

  private static OptionalInt or(OptionalInt one, OptionalInt other) {
    return one.isPresent() ? one : other;
  }

  private void ids(OptionalInt bos, OptionalInt pad) {
    List<Integer> ends = model.tokens().ends();
    header.put("tokenizer.ggml.eos_token_id", ends.get(0));
    if (ends.size() > 1) {
      header.put("tokenizer.ggml.eot_token_id", ends.get(1));
    }
    bos.ifPresent(id -> header.put("tokenizer.ggml.bos_token_id", id));
    pad.ifPresent(id -> header.put("tokenizer.ggml.padding_token_id", id));
  }

  private void sentencePiece(VocabularyTable.SentencePieces pieces, int size) {
    List<Float> scores = new ArrayList<>(pieces.scores());
    while (scores.size() < size) {
      scores.add(-10_000f); // of what no text gives
    }
    header.put("tokenizer.ggml.model", "llama");
    header.put("tokenizer.ggml.pre", "default");
    header.putFloats("tokenizer.ggml.scores", scores);
    header.put("tokenizer.ggml.add_space_prefix", pieces.spaceInFront());
    header.put("tokenizer.ggml.remove_extra_whitespaces", false);
    if (pieces.charsmap().length > 0) {
      header.putBytes("tokenizer.ggml.precompiled_charsmap", pieces.charsmap());
    }
  }

  private void bytePairs(VocabularyTable.BytePairs pairs) {
    String pre =
        GgufByteLevelBpe.nameOf(
                pairs.splits(), pairs.words(), pairs.ignoreMerges(), pairs.composes())
            .orElseThrow(
                () ->
                    impossible(
                        "a tokenizer that cuts texts otherwise than GPT-2, LLaMA 3, Qwen 2 or"
                            + " Mistral's Tekken do"));
    header.put("tokenizer.ggml.model", "gpt2");
    header.put("tokenizer.ggml.pre", pre);
    header.putTexts("tokenizer.ggml.merges", pairs.merges());
  }

  private static int type(PieceType type) {
    return switch (type) {
      case NORMAL -> 1;
      case UNKNOWN -> 2;
      case CONTROL -> 3;
      case USER_DEFINED -> 4;
      case BYTE -> 6;
    };
  }

  private static InvalidRequestException impossible(String what) {
    return new InvalidRequestException(
        "to",
        "to has value gguf, whose keys have no place for "
            + what
            + ", expected safetensors or bc4j");
  }
}
