package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.Quant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * How a matrix of codes stands for numbers: each code has the same number of bits, and codes that
 * follow each other in a row share a scale and what else the form has.
 *
 * @param bits of a code q, which is 0 to 2^bits - 1: 2, 3, 4, 5, 6 or 8
 * @param group codes of a row that share a scale: 32, 64 or 128. Larger groups, up to a whole row,
 *     are groups of 128 that repeat their scale
 * @param form what a code stands for
 */
public record CodeFormat(int bits, int group, Form form) {
  /** What a code q stands for, with a scale s of its group. */
  public enum Form {
    /** s (q - 2^(bits-1)), with s in f16. */
    SYMMETRIC(16),
    /** s (q - z), with s and z in f16. */
    ZERO(32),
    /** s q + m, with s and m in f16. */
    MIN(32),
    /** s (q - z) for at most 4 bits, with s in 9 bits and z in 7: the compact form of int4. */
    GRID(16);

    private final int bits;

    Form(int bits) {
      this.bits = bits;
    }

    /** Returns the bits that a group has besides its codes. */
    public int bits() {
      return bits;
    }
  }

  /** Bits that a code may have. */
  public static final List<Integer> BITS = List.of(2, 3, 4, 5, 6, 8);

  /** Sizes that a group may have. */
  public static final List<Integer> GROUPS = List.of(32, 64, 128);

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if there is no such format
   */
  public CodeFormat {
    Objects.requireNonNull(form, "form");
    if (!BITS.contains(bits) || !GROUPS.contains(group) || form == Form.GRID && bits > 4) {
      throw new IllegalArgumentException(
          "no codes of " + bits + " bits, group " + group + " " + form);
    }
  }

  /** Returns every format. */
  static Stream<CodeFormat> all() {
    return Arrays.stream(Form.values())
        .flatMap(
            form ->
                BITS.stream()
                    .filter(bits -> form != Form.GRID || bits <= 4)
                    .flatMap(
                        bits -> GROUPS.stream().map(group -> new CodeFormat(bits, group, form))));
  }

  /**
   * Returns the codes of a kind of weights.
   *
   * @throws IllegalArgumentException for a kind that is not held as codes: neither INT3 nor INT2
   */
  public static CodeFormat of(Quant quant) {
    return switch (quant) {
      case INT3 -> new CodeFormat(3, 64, Form.GRID);
      case INT2 -> new CodeFormat(2, 32, Form.GRID);
      default -> throw new IllegalArgumentException(quant + " is not held as codes of a format");
    };
  }

  /**
   * Returns whether there is a number besides the scale for each group: a zero or a least number.
   */
  public boolean hasZeros() {
    return form != Form.SYMMETRIC;
  }

  /** Returns what people call it: {@code 3-bit grid/64}. */
  @Override
  public String toString() {
    return bits + "-bit " + form.name().toLowerCase(Locale.ROOT) + "/" + group;
  }

  /** Returns the bits that a number takes, its share of the group's included. */
  public double bitsPerNumber() {
    return bits + form.bits() / (double) group;
  }
}
