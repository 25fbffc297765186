package dev.baichuan4j.internal.nn;

import dev.baichuan4j.KvType;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.CodeFormat;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** An element type of native tensors: one of the constants, or codes of a format. */
public final class ElementType {
  public static final ElementType F32 = new ElementType("F32", 32);
  public static final ElementType F16 = new ElementType("F16", 16);
  public static final ElementType BF16 = new ElementType("BF16", 16);
  public static final ElementType I32 = new ElementType("I32", 32);

  /** Key and value pages with a scale per head and position; bytes of codes on their way. */
  public static final ElementType I8 = new ElementType("I8", 8);

  /** Weights: 8 bits and a 16-bit scale per 32. */
  public static final ElementType Q8 = new ElementType("Q8", 8.5);

  /** Weights: 4 bits and a 16-bit scale per 32. */
  public static final ElementType Q4 = new ElementType("Q4", 4.5);

  private static final List<ElementType> CONSTANTS = List.of(F32, F16, BF16, I32, I8, Q8, Q4);

  private final String name;
  private final double bits;
  private final CodeFormat format; // null but for codes

  private ElementType(String name, double bits) {
    this.name = name;
    this.bits = bits;
    this.format = null;
  }

  private ElementType(CodeFormat format) {
    this.name = format.toString();
    this.bits = format.bitsPerNumber();
    this.format = format;
  }

  /** Weights that are codes. */
  public static ElementType codes(CodeFormat format) {
    return new ElementType(Objects.requireNonNull(format, "format"));
  }

  /** The type of matrices that are held so; of stored ones, of those that no file stores. */
  public static ElementType of(Quant quant) {
    return switch (quant) {
      case STORED, BF16 -> BF16;
      case INT8 -> Q8;
      case INT4 -> Q4;
      case INT3, INT2 -> codes(CodeFormat.of(quant));
    };
  }

  /**
   * The type in which a matrix is held as it is stored: codes as they are where there is a type for
   * them, other codes as the nearest kind, and numbers as they lie.
   */
  public static ElementType asStored(TensorEntry entry) {
    return entry.panels().map(ElementType::of).orElseGet(() -> WeightLoader.type(entry));
  }

  /** The type of a matrix that lies in panels. */
  public static ElementType of(PackedTensorKind panels) {
    return panels
        .format()
        .map(ElementType::codes)
        .orElseGet(() -> of(panels.quant().orElseThrow()));
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

  /** The types that are no codes of a format. */
  static List<ElementType> constants() {
    return CONSTANTS;
  }

  /** The constant of a name, or the codes of {@link Quant#INT3} and {@link Quant#INT2}. */
  public static ElementType valueOf(String name) {
    return CONSTANTS.stream()
        .filter(type -> type.name.equals(name))
        .findFirst()
        .orElseGet(() -> of(Quant.valueOf(name)));
  }

  /** Bits an element takes, scales included. */
  public double bits() {
    return bits;
  }

  /** The format of codes; empty for the constants. */
  Optional<CodeFormat> format() {
    return Optional.ofNullable(format);
  }

  /** Bits of a code, without its share of a scale: for Q4 and codes of a format. */
  int codeBits() {
    return this == Q4 ? 4 : format.bits();
  }

  /** Columns of a matrix that share a scale; 1 where each number stands for itself. */
  int group() {
    return format != null ? format.group() : this == Q8 || this == Q4 ? 32 : 1;
  }

  @Override
  public boolean equals(Object other) {
    return this == other
        || format != null && other instanceof ElementType that && format.equals(that.format);
  }

  @Override
  public int hashCode() {
    return format == null ? name.hashCode() : format.hashCode();
  }

  @Override
  public String toString() {
    return name;
  }
}
