package dev.baichuan4j;

/** Receives rows of logits, in the order of their positions. */
@FunctionalInterface
public interface LogitsConsumer {
  /**
   * Takes a row.
   *
   * @param position position of the token that these logits follow, from 0
   * @param logits one for each id of the vocabulary; valid during the call only, so what is to be
   *     kept is copied
   */
  void accept(int position, float[] logits);
}
