package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Layout;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How a tensor of a {@link PackedFile} is held, as its table of contents says it in five fields.
 *
 * @param id the kind: {@code f32}, {@code f16}, {@code bf16}, {@code q8}, {@code q4} or {@code
 *     codes}
 * @param bits of a number or code
 * @param group columns that share a scale; 0 for numbers, which lie row by row
 * @param form what a code stands for: {@code scaled}, or a {@link CodeFormat.Form} in small
 *     letters; {@code plain} for numbers
 * @param layout the version of the layout in panels; 0 for numbers
 */
public record PackedTensorKind(String id, int bits, int group, String form, int layout) {
  /** IEEE 754 binary32, row by row. */
  public static final PackedTensorKind F32 = numbers("f32", 32);

  /** IEEE 754 binary16, row by row. */
  public static final PackedTensorKind F16 = numbers("f16", 16);

  /** The upper half of a binary32, row by row. */
  public static final PackedTensorKind BF16 = numbers("bf16", 16);

  /** Panels of codes of 8 bits with a scale in bf16 per 32 columns: s q. */
  public static final PackedTensorKind Q8 = panels("q8", 8, 32, "scaled");

  /** Panels of codes of 4 bits with a scale and a zero per 32 columns: s (q - z). */
  public static final PackedTensorKind Q4 = panels("q4", 4, 32, "grid");

  private static final String CODES = "codes";

  private static PackedTensorKind numbers(String id, int bits) {
    return new PackedTensorKind(id, bits, 0, "plain", 0);
  }

  private static PackedTensorKind panels(String id, int bits, int group, String form) {
    return new PackedTensorKind(id, bits, group, form, PackedWeights.PANEL_LAYOUT);
  }

  /** Returns the kind that holds numbers of a type one by one. */
  public static PackedTensorKind of(DType type) {
    return switch (type) {
      case F32 -> F32;
      case F16 -> F16;
      case BF16 -> BF16;
      default -> throw new IllegalArgumentException(type + " is no type of weights");
    };
  }

  /** Returns the kind of panels of codes of a format. */
  public static PackedTensorKind of(CodeFormat format) {
    String form = format.form().name().toLowerCase(Locale.ROOT);
    return panels(CODES, format.bits(), format.group(), form);
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
      case INT3, INT2 -> of(CodeFormat.of(quant));
      case BF16, STORED -> throw new IllegalArgumentException(quant + " is no kind of codes");
    };
  }

  /** Returns the kind that five fields of a table say; empty if it is not known here. */
  static Optional<PackedTensorKind> of(
      String kind, int bits, long group, String form, long layout) {
    if (group != (int) group || layout != (int) layout) {
      return Optional.empty();
    }
    PackedTensorKind told = new PackedTensorKind(kind, bits, (int) group, form, (int) layout);
    boolean isKnown =
        List.of(F32, F16, BF16, Q8, Q4).contains(told)
            || told.format().map(PackedTensorKind::of).filter(told::equals).isPresent();
    return Optional.of(told).filter(known -> isKnown);
  }

  /** Returns the format of codes of their own; empty for numbers, q8 and q4. */
  public Optional<CodeFormat> format() {
    if (!id.equals(CODES) || !CodeFormat.BITS.contains(bits)) {
      return Optional.empty();
    }
    return Arrays.stream(CodeFormat.Form.values())
        .filter(known -> known.name().toLowerCase(Locale.ROOT).equals(form))
        .filter(known -> CodeFormat.GROUPS.contains(group))
        .filter(known -> known != CodeFormat.Form.GRID || bits <= 4)
        .map(known -> new CodeFormat(bits, group, known))
        .findFirst();
  }

  /** Returns the type of numbers that are held one by one; empty for panels. */
  public Optional<DType> type() {
    return isPanels() ? Optional.empty() : Optional.of(DType.valueOf(id.toUpperCase(Locale.ROOT)));
  }

  /** Returns whether it holds codes, in panels. */
  public boolean isPanels() {
    return group != 0;
  }

  /** Returns the kind of weights that matrices of it are, if they are quantized ones. */
  public Optional<Quant> quant() {
    return Arrays.stream(Quant.values())
        .filter(quant -> quant.isQuantized() && of(quant).equals(this))
        .findFirst();
  }

  /** Whether quantizing makes such panels: q8, and grids, which published forms have not. */
  boolean isMadeHere() {
    return equals(Q8) || form.equals("grid");
  }

  /** Returns the bits that a number takes, its share of the group's included. */
  public double bitsPerNumber() {
    return isPanels() ? 8.0 * groupBytes() / (group * Layout.PANEL) : bits;
  }

  /** Bytes of a group of a panel that stand for codes. */
  int codeBytes() {
    return group * Layout.PANEL * bits / 8;
  }

  /** Whether a group has zeros, or least numbers, in f16 behind its scales. */
  boolean hasZeros() {
    return form.equals("zero") || form.equals("min");
  }

  /** Bytes of a group of a panel. */
  int groupBytes() {
    return codeBytes() + (hasZeros() ? 4 : 2) * Layout.PANEL;
  }

  /**
   * Returns the bytes that a tensor takes: in panels rows are padded to whole panels, the whole to
   * a multiple of 64 so that the next one is aligned.
   *
   * @throws ArithmeticException if a size is negative or there are 2^63 bytes or more
   */
  public long bytes(long... shape) {
    if (!isPanels()) {
      return Math.multiplyExact(TensorEntry.elements(shape), bits / 8);
    }
    TensorEntry.elements(shape);
    long panels = Math.addExact(shape[0], Layout.PANEL - 1) / Layout.PANEL;
    long columns = Math.multiplyExact(panels, shape[1]);
    long bytes = Math.multiplyExact(columns, (long) groupBytes()) / group;
    return Math.addExact(bytes, Layout.ALIGNMENT - 1) / Layout.ALIGNMENT * Layout.ALIGNMENT;
  }

  /** Returns the kind of panels that people call so; empty if there is none. */
  static Optional<PackedTensorKind> parse(String name) {
    Stream<PackedTensorKind> constants =
        Arrays.stream(Quant.values()).filter(Quant::isQuantized).map(PackedTensorKind::of);
    Stream<PackedTensorKind> codes = CodeFormat.all().map(PackedTensorKind::of);
    return Stream.concat(constants, codes).filter(kind -> kind.toString().equals(name)).findFirst();
  }

  /** Returns what people call it: {@code bf16}, {@code int4}, {@code 5-bit min/32}. */
  @Override
  public String toString() {
    Optional<Quant> quant = quant();
    if (quant.isPresent()) {
      return quant.get().name().toLowerCase(Locale.ROOT);
    }
    return format().map(CodeFormat::toString).orElse(id.toUpperCase(Locale.ROOT));
  }
}
