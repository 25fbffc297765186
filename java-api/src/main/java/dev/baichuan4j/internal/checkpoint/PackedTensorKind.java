package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.Quant;
import java.util.Arrays;
import java.util.Optional;

/**
 * How a tensor of a {@link PackedFile} is held, as its table of contents says it in five fields:
 * the kind, the bits of a number or code, the columns that share a scale, what a code stands for,
 * and the version of the layout in panels.
 */
public enum PackedTensorKind {
  /** IEEE 754 binary32, row by row. */
  F32("f32", 32, 0, "plain", 0),
  /** IEEE 754 binary16, row by row. */
  F16("f16", 16, 0, "plain", 0),
  /** The upper half of a binary32, row by row. */
  BF16("bf16", 16, 0, "plain", 0),
  /** Panels of codes of 8 bits with a scale per 32 columns: s q. */
  Q8("q8", 8, 32, "scaled", PackedWeights.PANEL_LAYOUT),
  /** Panels of codes of 4 bits with a scale and a zero per 32 columns: s (q - z). */
  Q4("q4", 4, 32, "grid", PackedWeights.PANEL_LAYOUT),
  /** Panels of codes of 3 bits with a scale and a zero per 64 columns: s (q - z). */
  Q3("codes", 3, 64, "grid", PackedWeights.PANEL_LAYOUT),
  /** Panels of codes of 2 bits with a scale and a zero per 32 columns: s (q - z). */
  Q2("codes", 2, 32, "grid", PackedWeights.PANEL_LAYOUT);

  private final String id;
  private final int bits;
  private final int group;
  private final String form;
  private final int layout;

  PackedTensorKind(String id, int bits, int group, String form, int layout) {
    this.id = id;
    this.bits = bits;
    this.group = group;
    this.form = form;
    this.layout = layout;
  }

  /** Returns the kind that holds numbers of a type one by one. */
  public static PackedTensorKind of(DType type) {
    return valueOf(type.name());
  }

  /**
   * Returns the kind of quantized matrices.
   *
   * @param quant INT8, INT4, INT3 or INT2
   */
  public static PackedTensorKind of(Quant quant) {
    return switch (quant) {
      case INT8 -> Q8;
      case INT4 -> Q4;
      case INT3 -> Q3;
      case INT2 -> Q2;
      case BF16, STORED -> throw new IllegalArgumentException(quant + " is no kind of codes");
    };
  }

  /** Returns the kind that five fields of a table say; empty if it is not known here. */
  static Optional<PackedTensorKind> of(
      String kind, int bits, long group, String form, long layout) {
    return Arrays.stream(values())
        .filter(known -> known.id().equals(kind))
        .filter(known -> known.bits == bits && known.group == group && known.layout == layout)
        .filter(known -> known.form.equals(form))
        .findFirst();
  }

  /** Returns the name in a table. */
  public String id() {
    return id;
  }

  int bits() {
    return bits;
  }

  int group() {
    return group;
  }

  String form() {
    return form;
  }

  int layout() {
    return layout;
  }

  /** Returns whether it holds codes, in panels. */
  public boolean isQuantized() {
    return group != 0;
  }

  /** Returns the kind of weights that matrices of codes are. */
  Quant quant() {
    return switch (this) {
      case Q8 -> Quant.INT8;
      case Q4 -> Quant.INT4;
      case Q3 -> Quant.INT3;
      case Q2 -> Quant.INT2;
      default -> throw new IllegalStateException(this + " is no kind of codes");
    };
  }

  /**
   * Returns the bytes that a tensor takes.
   *
   * @throws ArithmeticException if a size is negative or there are 2^63 bytes or more
   */
  public long bytes(long... shape) {
    return isQuantized()
        ? PackedWeights.bytes(quant(), shape)
        : Math.multiplyExact(TensorEntry.elements(shape), bits / 8);
  }
}
