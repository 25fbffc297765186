package dev.baichuan4j;

import java.util.Objects;

/**
 * The sizes of a model and the two choices in which the published Baichuan models differ.
 *
 * @param hiddenSize size of the vector that flows through the layers
 * @param layers number of layers
 * @param heads heads of queries
 * @param kvHeads heads of keys and values; each serves an equal number of heads of queries
 * @param headSize numbers of a head
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
    int kvHeads,
    int headSize,
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
    NORM,
    /** W is the embedding table: some relatives. */
    TIED
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

  /**
   * The shape of a Baichuan model: as many heads of keys and values as of queries, which share the
   * hidden size.
   *
   * @throws InvalidRequestException if the heads are fewer than 1
   * @throws NullPointerException if the position or the head is null
   */
  public ModelShape(
      int hiddenSize,
      int layers,
      int heads,
      int intermediateSize,
      int vocabularySize,
      int maxPositions,
      Position position,
      Head head) {
    this(
        hiddenSize,
        layers,
        heads,
        heads,
        shared(hiddenSize, heads),
        intermediateSize,
        vocabularySize,
        maxPositions,
        position,
        head);
  }

  private static int shared(int hiddenSize, int heads) {
    if (heads < 1) {
      throw new InvalidRequestException("heads", heads, "1 or more");
    }
    if (hiddenSize % heads != 0) {
      throw new InvalidRequestException(
          "heads", heads, "a divisor of the hidden size " + hiddenSize);
    }
    return hiddenSize / heads;
  }
}
