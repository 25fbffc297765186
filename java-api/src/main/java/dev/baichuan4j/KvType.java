package dev.baichuan4j;

/** How keys and values are held in the cache. */
public enum KvType {
  /** 32-bit floating point. */
  F32,
  /** 16-bit floating point of IEEE 754. */
  F16,
  /** 16-bit floating point with the exponent of F32. */
  BF16,
  /** 8 bits with a scale for each head and position. */
  INT8
}
