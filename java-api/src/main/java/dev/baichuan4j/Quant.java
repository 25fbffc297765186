package dev.baichuan4j;

/** How the weights of the matrices are held. */
public enum Quant {
  /**
   * As in the checkpoint (bfloat16 as published; float16 and float32 are kept too); mapped, not
   * copied.
   */
  BF16(16),
  /** 8 bits and a 16-bit scale for each 32 weights: 8.5 bits a weight. */
  INT8(8.5),
  /** 4 bits and a 16-bit scale for each 32 weights: 4.5 bits a weight. */
  INT4(4.5);

  private final double bits;

  Quant(double bits) {
    this.bits = bits;
  }

  /** Returns the bits that a weight takes, its share of a scale included. */
  public double bits() {
    return bits;
  }
}
