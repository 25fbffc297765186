package dev.baichuan4j.internal.engine.constrain.schema;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;

/** The keywords of numbers. */
final class Numbers {
  /** Most digits before or behind the decimal point of a limit. */
  private static final int MAX_DIGITS = 400;

  private static final NumberSpec INTEGER = NumberSpec.multipleOf(BigDecimal.ONE);
  private static final NumberSpec PLAIN_INTEGER = INTEGER.asPlain();

  private Numbers() {}

  /** Integers: since draft 6, 1.0 is one too. */
  static NumberSpec integer(Draft draft) {
    return draft == Draft.FOUR ? PLAIN_INTEGER : INTEGER;
  }

  static List<NumberSpec> read(SchemaNode node) {
    NumberSpec all = NumberSpec.ANY;
    all = and(all, bound(node, "minimum", "exclusiveMinimum", true));
    all = and(all, bound(node, "maximum", "exclusiveMaximum", false));
    if (node.get("exclusiveMinimum") instanceof BigDecimal) {
      BigDecimal low = bounded(node.number("exclusiveMinimum"), "exclusiveMinimum", node);
      all = and(all, NumberSpec.between(low, true, null, false));
    }
    if (node.get("exclusiveMaximum") instanceof BigDecimal) {
      BigDecimal high = bounded(node.number("exclusiveMaximum"), "exclusiveMaximum", node);
      all = and(all, NumberSpec.between(null, false, high, true));
    }
    if (node.has("multipleOf")) {
      BigDecimal value = bounded(node.number("multipleOf"), "multipleOf", node);
      if (value.signum() <= 0) {
        throw node.malformed("multipleOf", "a number above 0");
      }
      NumberText.requireFeasible(value, node);
      all = and(all, NumberSpec.multipleOf(value));
    }
    if (node.get("format") instanceof String format && Formats.isNumeric(format)) {
      all = and(all, format(format));
    }
    return all == null ? List.of() : List.of(all);
  }

  private static NumberSpec bound(SchemaNode node, String keyword, String excluding, boolean low) {
    if (!node.has(keyword)) {
      return NumberSpec.ANY;
    }
    BigDecimal value = bounded(node.number(keyword), keyword, node);
    boolean excluded = Boolean.TRUE.equals(node.get(excluding)); // as draft 4 has it
    return low
        ? NumberSpec.between(value, excluded, null, false)
        : NumberSpec.between(null, false, value, excluded);
  }

  private static NumberSpec and(NumberSpec a, NumberSpec b) {
    return a == null || b == NumberSpec.ANY ? a : a == NumberSpec.ANY ? b : a.and(b);
  }

  /** Formats that OpenAPI gives to numbers. */
  private static NumberSpec format(String format) {
    int bits =
        switch (format) {
          case "int32", "uint32" -> 32;
          case "int64", "uint64" -> 64;
          default -> 0;
        };
    if (bits == 0) {
      return NumberSpec.ANY; // float and double: every number has a nearest one
    }
    boolean signed = !format.startsWith("u");
    BigInteger end = BigInteger.ONE.shiftLeft(signed ? bits - 1 : bits);
    BigDecimal low = signed ? new BigDecimal(end.negate()) : BigDecimal.ZERO;
    return NumberSpec.between(low, false, new BigDecimal(end), true);
  }

  /** Whether the digits of a number can be written out. */
  static boolean isBounded(BigDecimal value) {
    BigDecimal normal = NumberSpec.normal(value);
    return Math.abs((long) normal.precision() - normal.scale()) <= MAX_DIGITS
        && normal.scale() <= MAX_DIGITS;
  }

  /** A limit whose digits can be written out. */
  static BigDecimal bounded(BigDecimal value, String keyword, SchemaNode node) {
    BigDecimal normal = NumberSpec.normal(value);
    if (!isBounded(normal)) {
      throw node.unsupported(
          keyword, "a limit of more than " + MAX_DIGITS + " digits before or behind the point");
    }
    return normal;
  }
}
