package dev.baichuan4j.internal.arch;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.ModelShape.Position;
import dev.baichuan4j.internal.json.IntRange;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a model is made of, and by it the names and shapes of its tensors. The pass, the cache, the
 * memory plan and the loaders follow from this record alone; {@link ConfigFile} reads it from a
 * checkpoint's {@code config.json}.
 *
 * @param name the entry of {@code architectures}, such as {@code BaichuanForCausalLM}
 * @param hiddenSize C, {@code hidden_size}
 * @param layers L, {@code num_hidden_layers}
 * @param heads how attention shares its width
 * @param intermediateSize F, {@code intermediate_size}
 * @param vocabularySize V, {@code vocab_size}
 * @param normEps {@code rms_norm_eps}
 * @param maxPositions the tokens of a text that the model was made for
 * @param positions how positions enter attention
 * @param projections which matrices and vectors attention has
 * @param windows the positions that a token of each layer sees, itself included, 0 for all; empty
 *     where all layers see all
 * @param head how logits come from the last hidden state
 * @param tokens the special ids
 */
public record Architecture(
    String name,
    int hiddenSize,
    int layers,
    Heads heads,
    int intermediateSize,
    int vocabularySize,
    float normEps,
    int maxPositions,
    Positions positions,
    Projections projections,
    List<Integer> windows,
    Head head,
    TokenIds tokens) {

  /** Returns a model that differs in how positions enter attention. */
  public Architecture withPositions(Positions other) {
    return with(other, projections);
  }

  /** Returns a model whose queries, keys and values come from a matrix each. */
  public Architecture withProjectionsApart() {
    return with(
        positions,
        new Projections(false, projections.qkvBias, projections.outputBias, projections.headNorms));
  }

  private Architecture with(Positions otherPositions, Projections otherProjections) {
    return new Architecture(
        name,
        hiddenSize,
        layers,
        heads,
        intermediateSize,
        vocabularySize,
        normEps,
        maxPositions,
        otherPositions,
        otherProjections,
        windows,
        head,
        tokens);
  }

  /** Returns whether this is no Baichuan model, but one of LLaMA's, Mistral's or Qwen's. */
  public boolean isRelative() {
    return !name.equalsIgnoreCase("BaichuanForCausalLM");
  }

  /** Name of the embedding table, which is also the head of a model whose head is tied. */
  public static final String EMBEDDING = "model.embed_tokens.weight";

  /** Name of the matrix that gives logits. */
  public static final String HEAD = "lm_head.weight";

  // The limits are some times the largest published dense models: they keep products inside 63
  // bits.
  public static final IntRange HIDDEN_SIZE = new IntRange("hidden_size", 1, 1 << 16);
  public static final IntRange LAYERS = new IntRange("num_hidden_layers", 1, 1000);
  public static final IntRange HEADS = new IntRange("num_attention_heads", 1, 1024);
  public static final IntRange KV_HEADS = new IntRange("num_key_value_heads", 1, 1024);
  public static final IntRange HEAD_SIZE = new IntRange("head_dim", 1, 1024);
  public static final IntRange INTERMEDIATE_SIZE = new IntRange("intermediate_size", 1, 1 << 20);
  public static final IntRange VOCABULARY_SIZE = new IntRange("vocab_size", 1, 1 << 21);
  static final IntRange FULL_LAYERS = new IntRange("max_window_layers", 0, 1000);
  private static final int MAX_POSITIONS = 1 << 24;

  /** The largest head that a backend computes. */
  static final int MAX_HEAD_SIZE = 256;

  /** The most query heads of a key-value head: a tile of attention has rows for all of them. */
  private static final int MAX_GROUP = 64;

  /**
   * How attention shares its width.
   *
   * @param queries H, heads of queries
   * @param keyValues G, heads of keys and values; each serves H / G heads of queries
   * @param size D, numbers of a head
   */
  public record Heads(int queries, int keyValues, int size) {
    /** H D: what attention gives for a token. */
    public int width() {
      return queries * size;
    }

    /** (H + 2 G) D: a token's queries, keys and values. */
    public int qkvWidth() {
      return (queries + 2 * keyValues) * size;
    }
  }

  /**
   * Which matrices and vectors attention has.
   *
   * @param packed queries, keys and values come from one matrix, {@code W_pack}
   * @param qkvBias a vector is added to queries, keys and values
   * @param outputBias a vector is added to what attention gives back
   * @param headNorms each head of queries and keys is normalized before it is rotated
   */
  public record Projections(
      boolean packed, boolean qkvBias, boolean outputBias, boolean headNorms) {
    static final Projections BAICHUAN = new Projections(true, false, false, false);
  }

  /**
   * The special ids.
   *
   * @param pad {@code pad_token_id}, where there is one
   * @param bos {@code bos_token_id}, where there is one
   * @param ends {@code eos_token_id}, one or several: each ends an answer
   */
  public record TokenIds(OptionalInt pad, OptionalInt bos, List<Integer> ends) {
    public TokenIds {
      ends = List.copyOf(ends);
    }
  }

  /** A value that is out of range, or wrong beside others, by its key of {@code config.json}. */
  public record Unfit(String key, String found, String expected) {}

  /**
   * Checks the values.
   *
   * @throws InvalidRequestException if one is out of its range; the parameter is named by its key
   *     of {@code config.json}
   */
  public Architecture {
    Objects.requireNonNull(positions, "positions");
    Objects.requireNonNull(projections, "projections");
    Objects.requireNonNull(head, "head");
    windows = List.copyOf(windows);
    HIDDEN_SIZE.check(hiddenSize);
    LAYERS.check(layers);
    HEADS.check(heads.queries);
    KV_HEADS.check(heads.keyValues);
    HEAD_SIZE.check(heads.size);
    INTERMEDIATE_SIZE.check(intermediateSize);
    VOCABULARY_SIZE.check(vocabularySize);
    lengthRange("max_position_embeddings").check(maxPositions);
    unfit(heads, normEps, positions)
        .ifPresent(
            unfit -> {
              throw new InvalidRequestException(unfit.key(), unfit.found(), unfit.expected());
            });
    if (!windows.isEmpty() && windows.size() != layers) {
      throw new InvalidRequestException(
          "layer_types", windows.size() + " windows", "one for each of " + layers + " layers");
    }
    tokens.pad.ifPresent(tokenRange("pad_token_id", vocabularySize)::check);
    tokens.bos.ifPresent(tokenRange("bos_token_id", vocabularySize)::check);
    tokens.ends.forEach(tokenRange("eos_token_id", vocabularySize)::check);
  }

  /** Looks for a value that is wrong beside others, or that is no integer. */
  public static Optional<Unfit> unfit(Heads heads, float normEps, Positions positions) {
    if (heads.size % 8 != 0 || heads.size > MAX_HEAD_SIZE) {
      return Optional.of(
          new Unfit(
              "head_dim",
              Integer.toString(heads.size),
              "a head size that is a multiple of 8 and at most " + MAX_HEAD_SIZE));
    }
    if (heads.queries % heads.keyValues != 0 || heads.queries / heads.keyValues > MAX_GROUP) {
      return Optional.of(
          new Unfit(
              "num_key_value_heads",
              heads.keyValues + " for " + heads.queries + " heads",
              "a divisor of the heads, each for at most " + MAX_GROUP + " of them"));
    }
    if (!(normEps > 0 && normEps < 1)) {
      return Optional.of(
          new Unfit("rms_norm_eps", Float.toString(normEps), "a number between 0 and 1"));
    }
    if (positions instanceof Positions.Rope rope && !(rope.base() >= 1 && rope.base() <= 1e12)) {
      return Optional.of(
          new Unfit("rope_theta", Double.toString(rope.base()), "a number from 1 to 1e12"));
    }
    if (positions instanceof Positions.Rope rope
        && rope.scaling() instanceof RopeScaling.Divided divided
        && divided.divisors().size() != heads.size / 2) {
      return Optional.of(
          new Unfit(
              RopeConfig.DIVISORS,
              divided.divisors().size() + " numbers",
              heads.size / 2 + " numbers, one a pair of a head"));
    }
    return Optional.empty();
  }

  /**
   * Describes a Baichuan model of any size, with the constants that all published ones share:
   * epsilon 1e-6, RoPE base 10000, pad 0, bos 1, eos 2.
   *
   * @throws InvalidRequestException if a size is out of its range
   */
  public static Architecture of(ModelShape shape) {
    Heads heads = new Heads(shape.heads(), shape.kvHeads(), shape.headSize());
    return new Architecture(
        "BaichuanForCausalLM",
        shape.hiddenSize(),
        shape.layers(),
        heads,
        shape.intermediateSize(),
        shape.vocabularySize(),
        1e-6f,
        shape.maxPositions(),
        shape.position() == Position.ALIBI ? new Positions.Alibi() : Positions.Rope.of(10_000),
        Projections.BAICHUAN,
        List.of(),
        shape.head(),
        new TokenIds(OptionalInt.of(0), OptionalInt.of(1), List.of(2)));
  }

  /** Returns the sizes and choices alone. */
  public ModelShape shape() {
    return new ModelShape(
        hiddenSize,
        layers,
        heads.queries,
        heads.keyValues,
        heads.size,
        intermediateSize,
        vocabularySize,
        maxPositions,
        positions instanceof Positions.Alibi ? Position.ALIBI : Position.ROPE,
        head);
  }

  public static IntRange lengthRange(String key) {
    return new IntRange(key, 1, MAX_POSITIONS);
  }

  public static IntRange tokenRange(String key, int vocabularySize) {
    return new IntRange(key, 0, vocabularySize - 1);
  }

  /** Returns the positions that a token of a layer sees, itself included; 0 for all. */
  public int window(int layer) {
    return windows.isEmpty() ? 0 : windows.get(layer);
  }

  // The names are those of transformers' LLaMA, which the publishers of the relatives took over.

  /** Returns the embedding table [V,C]. */
  public TensorSpec embedding() {
    return new TensorSpec(EMBEDDING, vocabularySize, hiddenSize);
  }

  /** Returns the tensors of a layer. */
  public LayerTensors layer(int layer) {
    String prefix = "model.layers." + layer + ".";
    String attention = prefix + "self_attn.";
    String mlp = prefix + "mlp.";
    long c = hiddenSize;
    long f = intermediateSize;
    long queries = heads.width();
    long keys = (long) heads.keyValues * heads.size;
    List<LinearSpec> qkv =
        projections.packed
            ? List.of(linear(attention + "W_pack", queries + 2 * keys, c, projections.qkvBias))
            : List.of(
                linear(attention + "q_proj", queries, c, projections.qkvBias),
                linear(attention + "k_proj", keys, c, projections.qkvBias),
                linear(attention + "v_proj", keys, c, projections.qkvBias));
    Optional<TensorSpec> queryNorm = headNorm(attention + "q_norm.weight");
    Optional<TensorSpec> keyNorm = headNorm(attention + "k_norm.weight");
    return new LayerTensors(
        new TensorSpec(prefix + "input_layernorm.weight", c),
        qkv,
        queryNorm,
        keyNorm,
        linear(attention + "o_proj", c, queries, projections.outputBias),
        new TensorSpec(prefix + "post_attention_layernorm.weight", c),
        linear(mlp + "gate_proj", f, c, false),
        linear(mlp + "up_proj", f, c, false),
        linear(mlp + "down_proj", c, f, false));
  }

  private Optional<TensorSpec> headNorm(String tensor) {
    return projections.headNorms
        ? Optional.of(new TensorSpec(tensor, heads.size))
        : Optional.empty();
  }

  private static LinearSpec linear(String prefix, long rows, long columns, boolean bias) {
    return new LinearSpec(
        new TensorSpec(prefix + ".weight", rows, columns),
        bias ? Optional.of(new TensorSpec(prefix + ".bias", rows)) : Optional.empty());
  }

  /** Returns the norm [C] behind the last layer. */
  public TensorSpec finalNorm() {
    return new TensorSpec("model.norm.weight", hiddenSize);
  }

  /** Returns the matrix [V,C] that gives logits; of a tied model it is the embedding table. */
  public TensorSpec headMatrix() {
    return head == Head.TIED ? embedding() : new TensorSpec(HEAD, vocabularySize, hiddenSize);
  }

  /** Returns every tensor of a checkpoint, in the order of the forward pass. */
  public List<TensorSpec> tensors() {
    List<TensorSpec> tensors = new ArrayList<>();
    tensors.add(embedding());
    for (int i = 0; i < layers; i++) {
      tensors.addAll(layer(i).tensors());
    }
    tensors.add(finalNorm());
    if (head != Head.TIED) {
      tensors.add(headMatrix());
    }
    return Collections.unmodifiableList(tensors);
  }

  /**
   * Returns the matrices that are multiplied, in the order of the forward pass: what quantizing
   * packs. A tied head has the name {@link #HEAD} here, since its packed form stands beside the
   * embedding table, whose rows are looked up.
   */
  public List<TensorSpec> matrices() {
    List<TensorSpec> matrices = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      layer(i).linears().forEach(linear -> matrices.add(linear.weight()));
    }
    matrices.add(new TensorSpec(HEAD, vocabularySize, hiddenSize));
    return Collections.unmodifiableList(matrices);
  }
}
