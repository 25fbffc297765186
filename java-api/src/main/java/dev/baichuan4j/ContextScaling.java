package dev.baichuan4j;

/**
 * What is done to positions where a context is longer than the one that a model was trained with.
 * No publisher of a Baichuan model advises any of it.
 */
public enum ContextScaling {
  /**
   * What the checkpoint says, which is nothing for the published Baichuan models: their RoPE turns
   * on, and their ALiBi goes on falling with the distance.
   */
  AS_PUBLISHED,
  /**
   * Dynamic NTK: the slow frequencies of RoPE turn slower (bloc97 2023), and the flat slopes of
   * ALiBi fall slower, so that the model sees across the longer context at the resolution that it
   * knows. It follows from {@link BaichuanLoader#contextLength}, not from the length of a text, so
   * that texts do not depend on how they came; a context of the trained length is not changed.
   */
  DYNAMIC_NTK
}
