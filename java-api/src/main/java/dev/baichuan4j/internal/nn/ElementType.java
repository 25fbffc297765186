package dev.baichuan4j.internal.nn;

import dev.baichuan4j.KvType;
import dev.baichuan4j.Quant;

/** Element types of native tensors. */
public enum ElementType {
  F32(32),
  F16(16),
  BF16(16),
  I32(32),
  /** Key and value pages with a scale per head and position. */
  I8(8),
  /** Weights: 8 bits and a 16-bit scale per 32. */
  Q8(8.5),
  /** Weights: 4 bits and a 16-bit scale per 32. */
  Q4(4.5);

  private final double bits;

  ElementType(double bits) {
    this.bits = bits;
  }

  /** The type of matrices that are held so. */
  public static ElementType of(Quant quant) {
    return switch (quant) {
      case BF16 -> BF16;
      case INT8 -> Q8;
      case INT4 -> Q4;
    };
  }

  /** The type of a cache whose keys and values are held so. */
  public static ElementType of(KvType cache) {
    return switch (cache) {
      case F32 -> F32;
      case F16 -> F16;
      case BF16 -> BF16;
      case INT8 -> I8;
    };
  }

  /** Bits an element takes, scales included. */
  public double bits() {
    return bits;
  }
}
