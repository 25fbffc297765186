package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.Quant;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * How a tensor of a {@link PackedFile} is held, as its table of contents says it in five fields:
 * the kind, the bits of a number or code, the columns that share a scale, what a code stands for,
 * and the version of the layout in panels.
 */
public enum PackedTensorKind {
  /** IEEE 754 binary32, row by row. */
  F32(32, 0, "plain", 0),
  /** IEEE 754 binary16, row by row. */
  F16(16, 0, "plain", 0),
  /** The upper half of a binary32, row by row. */
  BF16(16, 0, "plain", 0),
  /** Panels of codes of 8 bits with a scale per 32 columns: s q. */
  Q8(8, 32, "scaled", PackedWeights.PANEL_LAYOUT),
  /** Panels of codes of 4 bits with a scale and a zero per 32 columns: s (q - z). */
  Q4(4, 32, "grid", PackedWeights.PANEL_LAYOUT);

  private final int bits;
  private final int group;
  private final String form;
  private final int layout;

  PackedTensorKind(int bits, int group, String form, int layout) {
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
   * @param quant INT8 or INT4
   */
  public static PackedTensorKind of(Quant quant) {
    return switch (quant) {
      case INT8 -> Q8;
      case INT4 -> Q4;
      case BF16 -> throw new IllegalArgumentException("BF16 is not quantized");
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
    return name().toLowerCase(Locale.ROOT);
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
    return this == Q8 ? Quant.INT8 : Quant.INT4;
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
