package dev.baichuan4j;

import dev.baichuan4j.nn.ElementType;
import java.util.Arrays;

/** How keys and values are held in the cache. */
public enum KvType {
  F32(ElementType.F32),
  F16(ElementType.F16),
  BF16(ElementType.BF16),
  /** 8 bits with a scale for each head and position. */
  INT8(ElementType.I8);

  private final ElementType type;

  KvType(ElementType type) {
    this.type = type;
  }

  ElementType type() {
    return type;
  }

  /** The one that holds an element type as it is. */
  static KvType of(ElementType type) {
    return Arrays.stream(values()).filter(kind -> kind.type == type).findFirst().orElseThrow();
  }
}
