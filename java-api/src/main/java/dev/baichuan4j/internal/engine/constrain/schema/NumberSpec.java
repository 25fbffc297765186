package dev.baichuan4j.internal.engine.constrain.schema;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Numbers between two bounds that are multiples of some numbers and not of others.
 *
 * @param low the least value, or null
 * @param aboveLow whether {@code low} itself is excluded
 * @param high the greatest value, or null
 * @param belowHigh whether {@code high} itself is excluded
 * @param multiples what the number is a multiple of; 1 for integers
 * @param others what the number is no multiple of
 * @param plain whether the text must have neither fraction nor exponent, as integers of draft 4
 */
record NumberSpec(
    BigDecimal low,
    boolean aboveLow,
    BigDecimal high,
    boolean belowHigh,
    Set<BigDecimal> multiples,
    Set<BigDecimal> others,
    boolean plain) {

  static final NumberSpec ANY = new NumberSpec(null, false, null, false, Set.of(), Set.of(), false);

  static NumberSpec multipleOf(BigDecimal value) {
    return new NumberSpec(null, false, null, false, Set.of(normal(value)), Set.of(), false);
  }

  static NumberSpec between(BigDecimal low, boolean aboveLow, BigDecimal high, boolean belowHigh) {
    return new NumberSpec(
        low == null ? null : normal(low),
        aboveLow,
        high == null ? null : normal(high),
        belowHigh,
        Set.of(),
        Set.of(),
        false);
  }

  static NumberSpec exactly(BigDecimal value) {
    return between(value, false, value, false);
  }

  NumberSpec asPlain() {
    return new NumberSpec(low, aboveLow, high, belowHigh, multiples, others, true);
  }

  static BigDecimal normal(BigDecimal value) {
    return value.signum() == 0 ? BigDecimal.ZERO : value.stripTrailingZeros();
  }

  /** The numbers of both, or null if it is plain that there are none. */
  NumberSpec and(NumberSpec other) {
    BigDecimal l = low;
    boolean above = aboveLow;
    if (other.low != null) {
      int order = l == null ? -1 : l.compareTo(other.low);
      above = order == 0 ? above || other.aboveLow : order < 0 ? other.aboveLow : above;
      l = order < 0 ? other.low : l;
    }
    BigDecimal h = high;
    boolean below = belowHigh;
    if (other.high != null) {
      int order = h == null ? 1 : h.compareTo(other.high);
      below = order == 0 ? below || other.belowHigh : order > 0 ? other.belowHigh : below;
      h = order > 0 ? other.high : h;
    }
    if (l != null && h != null) {
      int order = l.compareTo(h);
      if (order > 0 || order == 0 && (above || below)) {
        return null;
      }
    }
    Set<BigDecimal> in = union(multiples, other.multiples);
    Set<BigDecimal> out = union(others, other.others);
    if (in.stream().anyMatch(out::contains)) {
      return null;
    }
    if (l != null && l.equals(h)) {
      for (BigDecimal m : in) {
        if (l.remainder(m).signum() != 0) {
          return null;
        }
      }
      for (BigDecimal m : out) {
        if (l.remainder(m).signum() == 0) {
          return null;
        }
      }
      in = Set.of();
      out = Set.of();
    }
    return new NumberSpec(l, above, h, below, in, out, plain || other.plain);
  }

  /** The numbers that are not of this set, as alternatives. */
  List<NumberSpec> opposite() {
    List<NumberSpec> all = new ArrayList<>();
    if (low != null) {
      all.add(between(null, false, low, !aboveLow));
    }
    if (high != null) {
      all.add(between(high, !belowHigh, null, false));
    }
    for (BigDecimal m : multiples) {
      all.add(new NumberSpec(null, false, null, false, Set.of(), Set.of(m), false));
    }
    for (BigDecimal m : others) {
      all.add(multipleOf(m));
    }
    return all;
  }

  private static Set<BigDecimal> union(Set<BigDecimal> a, Set<BigDecimal> b) {
    if (b.isEmpty() || a.equals(b)) {
      return a;
    }
    if (a.isEmpty()) {
      return b;
    }
    Set<BigDecimal> all = new TreeSet<>(a);
    all.addAll(b);
    return all;
  }
}
