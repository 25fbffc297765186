package dev.baichuan4j.internal.lora;

import dev.baichuan4j.internal.arch.Architecture;
import java.util.Arrays;
import java.util.Optional;

/**
 * The products of a pass that an adapter may add to. A model has {@link #QKV} and the three parts
 * of its result whether its own matrices are one or three: the result is the same columns.
 */
public enum Target {
  /** Queries, keys and values at once, as in Baichuan's {@code W_pack}. */
  QKV("self_attn.W_pack"),
  QUERIES("self_attn.q_proj"),
  KEYS("self_attn.k_proj"),
  VALUES("self_attn.v_proj"),
  OUTPUT("self_attn.o_proj"),
  GATE("mlp.gate_proj"),
  UP("mlp.up_proj"),
  DOWN("mlp.down_proj"),
  /** The logits, behind the last layer. */
  HEAD("lm_head");

  private final String module;

  Target(String module) {
    this.module = module;
  }

  /** Returns the target of a module's name behind that of its layer, or of the head's name. */
  static Optional<Target> of(String module) {
    return Arrays.stream(values()).filter(target -> target.module.equals(module)).findFirst();
  }

  /** Returns the target of a module's own name, such as {@code q_proj}. */
  public static Optional<Target> named(String name) {
    return Arrays.stream(values()).filter(target -> target.ownName().equals(name)).findFirst();
  }

  /** Returns the module's own name, such as {@code q_proj}. */
  public String ownName() {
    return module.substring(module.lastIndexOf('.') + 1);
  }

  /** Returns the name of the module, as {@code model.layers.0.self_attn.q_proj}. */
  public String module(int layer) {
    return this == HEAD ? module : "model.layers." + layer + "." + module;
  }

  /** Returns the bit that stands for this target in a set of them. */
  public int bit() {
    return 1 << ordinal();
  }

  /** Returns K: numbers of a token that enter. */
  public int inputs(Architecture model) {
    return switch (this) {
      case OUTPUT -> model.heads().width();
      case DOWN -> model.intermediateSize();
      default -> model.hiddenSize();
    };
  }

  /** Returns N: numbers of a token that come out. */
  public int outputs(Architecture model) {
    return switch (this) {
      case QKV -> model.heads().qkvWidth();
      case QUERIES -> model.heads().width();
      case KEYS, VALUES -> model.heads().keyValues() * model.heads().size();
      case OUTPUT, DOWN -> model.hiddenSize();
      case GATE, UP -> model.intermediateSize();
      case HEAD -> model.vocabularySize();
    };
  }

  /** Returns the first of its columns in {@link #QKV}'s result; 0 for others. */
  public int firstColumn(Architecture model) {
    return switch (this) {
      case KEYS -> QUERIES.outputs(model);
      case VALUES -> QUERIES.outputs(model) + KEYS.outputs(model);
      default -> 0;
    };
  }
}
