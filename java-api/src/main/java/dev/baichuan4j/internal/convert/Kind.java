package dev.baichuan4j.internal.convert;

import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.gguf.GgufKind;

/** How a tensor of the target is held. */
enum Kind {
  F32,
  F16,
  BF16,
  /** GGUF's blocks of 8-bit codes. */
  Q8_0,
  /** GGUF's blocks of 4-bit codes. */
  Q4_0,
  /** GGUF's blocks of 4-bit codes with a least number. */
  Q4_1,
  /** Panels of 8-bit codes. */
  INT8,
  /** Panels of 4-bit codes. */
  INT4,
  /** Panels of 3-bit codes. */
  INT3,
  /** Panels of 2-bit codes. */
  INT2,
  /** Panels of codes as they are stored, of each tensor in the kind that holds them. */
  CODES,
  /** Factors that give rows the length 1, in f32, row by row. */
  ROW_SCALES;

  static Kind of(DType type) {
    return valueOf(type.name());
  }

  static Kind of(Quant quant) {
    return valueOf(quant.name());
  }

  boolean isPlain() {
    return this == F32 || this == F16 || this == BF16;
  }

  /** Whether numbers are quantized into the native library's panels. */
  boolean isPanels() {
    return name().startsWith("INT");
  }

  /** Whether a packed file alone has it. */
  boolean isPacked() {
    return isPanels() || this == CODES || this == ROW_SCALES;
  }

  Quant quant() {
    return Quant.valueOf(name());
  }

  DType type() {
    return DType.valueOf(name());
  }

  GgufKind gguf() {
    return GgufKind.valueOf(name());
  }
}
