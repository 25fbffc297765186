package dev.baichuan4j;

import java.util.Objects;

/**
 * The sizes of a Baichuan model and the two choices in which the published ones differ.
 *
 * @param hiddenSize size of the vector that flows through the layers
 * @param layers number of layers
 * @param heads number of attention heads, which share the hidden size
 * @param intermediateSize size of a feed-forward layer
 * @param vocabularySize number of token ids
 * @param maxPositions the tokens of a text that the model was made for
 * @param position how positions enter attention
 * @param head how logits come from the last hidden state
 */
public record ModelShape(
    int hiddenSize,
    int layers,
    int heads,
    int intermediateSize,
    int vocabularySize,
    int maxPositions,
    Position position,
    Head head) {

  /** How positions enter attention. */
  public enum Position {
    /** Rotated queries and keys: the 7B models. */
    ROPE,
    /** A bias that falls with the distance: the 13B models. */
    ALIBI
  }

  /** How logits come from the last hidden state. */
  public enum Head {
    /** logits = h · Wᵀ: Baichuan 1. */
    PLAIN,
    /** The same with rows of W scaled to unit length: Baichuan 2. */
    NORM
  }

  /**
   * Checks that the choices are made. Sizes are checked where the shape is used, by {@link
   * Baichuan#randomLoader}.
   *
   * @throws NullPointerException if the position or the head is null
   */
  public ModelShape {
    Objects.requireNonNull(position, "position");
    Objects.requireNonNull(head, "head");
  }
}
