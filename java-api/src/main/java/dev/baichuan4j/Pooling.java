package dev.baichuan4j;

/**
 * How the hidden states of a text, those after the last norm that the head would turn into logits,
 * become one vector.
 */
public enum Pooling {
  /** The mean of those of all tokens. */
  MEAN,
  /** That of the last token, which has seen all others. */
  LAST
}
