package dev.baichuan4j;

/** How the weights of the matrices are held. */
public enum Quant {
  /**
   * As they are stored: a file of codes, such as a GGUF file, keeps its codes, scales and zeros bit
   * for bit where there is a form that holds them, and has its other codes in the nearer of {@link
   * #INT8} and {@link #INT4}; numbers of 16 or 32 bits are held as by {@link #BF16}.
   */
  STORED(16),
  /**
   * As the checkpoint stores them: not quantized, mapped and not copied. The name is that of the
   * type in which the Baichuan models were published; a checkpoint in float16 or float32 keeps its
   * type too, but for a GPU, which converts float32 to bfloat16.
   */
  BF16(16),
  /** 8 bits and a 16-bit scale for each 32 weights: 8.5 bits a weight. */
  INT8(8.5),
  /** 4 bits and a 16-bit scale for each 32 weights: 4.5 bits a weight. */
  INT4(4.5),
  /** 3 bits and a 16-bit scale for each 64 weights: 3.25 bits a weight. */
  INT3(3.25),
  /** 2 bits and a 16-bit scale for each 32 weights: 2.5 bits a weight. */
  INT2(2.5);

  private final double bits;

  Quant(double bits) {
    this.bits = bits;
  }

  /**
   * Returns the bits that a weight takes, its share of a scale included; of {@link #BF16}, those of
   * the published type, and of {@link #STORED}, those of numbers that are no codes.
   */
  public double bits() {
    return bits;
  }

  /** Returns whether every matrix is rounded to fewer bits than the checkpoint has published. */
  public boolean isQuantized() {
    return this != BF16 && this != STORED;
  }
}
