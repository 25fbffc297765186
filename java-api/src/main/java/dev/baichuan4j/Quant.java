package dev.baichuan4j;

import dev.baichuan4j.nn.ElementType;

/** How the weights of the matrices are held. */
public enum Quant {
  /**
   * As in the checkpoint (bfloat16 as published; float16 and float32 are kept too); mapped, not
   * copied.
   */
  BF16(ElementType.BF16),
  /** 8 bits and a 16-bit scale for each 32 weights: 8.5 bits a weight. */
  INT8(ElementType.Q8),
  /** 4 bits and a 16-bit scale for each 32 weights: 4.5 bits a weight. */
  INT4(ElementType.Q4);

  private final ElementType type;

  Quant(ElementType type) {
    this.type = type;
  }

  /** Element type of the matrices. */
  public ElementType type() {
    return type;
  }
}
