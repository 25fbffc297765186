package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Dfa;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The texts of some numbers. Digits are compared with those of the bounds, and divided by the
 * divisors, as they are read; nothing is rounded.
 *
 * <p>An exponent is taken where it cannot matter: without bounds other than 0, and with divisors
 * only if it is not negative.
 */
final class NumberText {
  private static final int MAX_STATES = 20_000;
  private static final String SYMBOLS = "0123456789-.eE+";

  private static final int START = 0;
  private static final int MINUS = 1;
  private static final int ZERO = 2;
  private static final int INTEGER = 3;
  private static final int POINT = 4;
  private static final int FRACTION = 5;
  private static final int E = 6;
  private static final int E_SIGN = 7;
  private static final int EXPONENT = 8;

  private static final int NEGATIVE = 1;
  private static final int NONZERO = 2;
  private static final int SHRINKS = 4; // the exponent is negative

  private final List<NumberSpec> specs;
  private final List<BigDecimal> bounds; // magnitudes other than 0
  private final String[] integers; // digits of the bounds before the point
  private final String[] fractions; // and behind it
  private final List<BigDecimal> divisors;
  private final boolean exponents;
  private final int size;

  private NumberText(List<NumberSpec> specs) {
    this.specs = specs;
    TreeSet<BigDecimal> magnitudes = new TreeSet<>();
    TreeSet<BigDecimal> allDivisors = new TreeSet<>();
    boolean others = false;
    for (NumberSpec spec : specs) {
      addBound(magnitudes, spec.low());
      addBound(magnitudes, spec.high());
      allDivisors.addAll(spec.multiples());
      allDivisors.addAll(spec.others());
      others |= !spec.others().isEmpty();
    }
    bounds = List.copyOf(magnitudes);
    divisors = List.copyOf(allDivisors);
    exponents = bounds.isEmpty() && !others;
    integers = new String[bounds.size()];
    fractions = new String[bounds.size()];
    for (int i = 0; i < integers.length; i++) {
      String[] parts = bounds.get(i).toPlainString().split("\\.");
      integers[i] = parts[0];
      fractions[i] = parts.length > 1 ? parts[1] : "";
    }
    size = 2 + 3 * bounds.size() + 2 * divisors.size();
  }

  private static void addBound(TreeSet<BigDecimal> magnitudes, BigDecimal bound) {
    if (bound != null && bound.signum() != 0) {
      magnitudes.add(bound.abs());
    }
  }

  /** Refuses a divisor that needs too many states. */
  static void requireFeasible(BigDecimal divisor, SchemaNode node) {
    BigDecimal normal = NumberSpec.normal(divisor);
    int scale = Math.max(0, normal.scale());
    BigDecimal states = normal.movePointRight(scale).multiply(BigDecimal.valueOf(scale + 1));
    if (states.compareTo(BigDecimal.valueOf(MAX_STATES / 4)) > 0) {
      throw node.unsupported("multipleOf", "it needs more than " + MAX_STATES / 4 + " remainders");
    }
  }

  static Dfa of(List<NumberSpec> specs) {
    return new NumberText(specs).build();
  }

  private record Vector(int[] values) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Vector v && Arrays.equals(values, v.values);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(values);
    }
  }

  private Dfa build() {
    Map<Vector, Integer> numbers = new HashMap<>();
    List<int[]> vectors = new ArrayList<>();
    List<int[]> rows = new ArrayList<>();
    numbers.put(new Vector(new int[size]), 0);
    vectors.add(new int[size]);
    for (int state = 0; state < vectors.size(); state++) {
      int[] row = new int[SYMBOLS.length()];
      for (int symbol = 0; symbol < row.length; symbol++) {
        int[] next = step(vectors.get(state), SYMBOLS.charAt(symbol));
        if (next == null) {
          row[symbol] = Dfa.DEAD;
          continue;
        }
        Integer number = numbers.putIfAbsent(new Vector(next), vectors.size());
        row[symbol] = number == null ? vectors.size() : number;
        if (number == null) {
          vectors.add(next);
        }
      }
      if (vectors.size() > MAX_STATES) {
        throw SchemaProblem.unsupported(
            "minimum, maximum or multipleOf",
            "#",
            "together they need more than " + MAX_STATES + " states");
      }
      rows.add(row);
    }
    boolean[] accepting = new boolean[rows.size()];
    for (int state = 0; state < accepting.length; state++) {
      accepting[state] = accepts(vectors.get(state));
    }
    return new TableDfa(SYMBOLS, rows.toArray(int[][]::new), accepting);
  }

  private int[] step(int[] from, char c) {
    boolean digit = c >= '0' && c <= '9';
    int syntax = syntax(from[0], c, digit);
    if (syntax < 0) {
      return null;
    }
    int[] to = from.clone();
    to[0] = syntax;
    if (c == '-') {
      to[1] |= syntax == MINUS ? NEGATIVE : SHRINKS;
    }
    if (digit && syntax <= FRACTION) {
      int value = c - '0';
      to[1] |= value > 0 ? NONZERO : 0;
      for (int i = 0; i < bounds.size(); i++) {
        compare(to, i, c, syntax == FRACTION);
      }
      for (int i = 0; i < divisors.size(); i++) {
        if (!divide(to, i, value, syntax == FRACTION)) {
          to[2 + 3 * bounds.size() + 2 * i] = -1; // no multiple any more
          to[3 + 3 * bounds.size() + 2 * i] = 0;
        }
      }
    }
    return to;
  }

  private int syntax(int from, char c, boolean digit) {
    boolean point = c == '.';
    boolean e = (c == 'e' || c == 'E') && exponents;
    return switch (from) {
      case START -> c == '-' ? MINUS : c == '0' ? ZERO : digit ? INTEGER : -1;
      case MINUS -> c == '0' ? ZERO : digit ? INTEGER : -1;
      case ZERO -> point ? POINT : e ? E : -1;
      case INTEGER -> digit ? INTEGER : point ? POINT : e ? E : -1;
      case POINT -> digit ? FRACTION : -1;
      case FRACTION -> digit ? FRACTION : e ? E : -1;
      case E -> digit ? EXPONENT : c == '-' || c == '+' ? E_SIGN : -1;
      default -> digit ? EXPONENT : -1;
    };
  }

  /** A bound has the digits before the point so far, those behind it, and the order: -1, 0, 1. */
  private void compare(int[] to, int bound, char c, boolean fraction) {
    int at = 2 + 3 * bound;
    String digits = fraction ? fractions[bound] : integers[bound];
    int count = to[at + (fraction ? 1 : 0)];
    if (fraction && to[at] < integers[bound].length()) {
      to[at + 2] = -1;
    }
    if (to[at + 2] == 0) {
      char expected = count < digits.length() ? digits.charAt(count) : '0';
      to[at + 2] = count >= digits.length() && !fraction ? 1 : Integer.signum(c - expected);
    } else if (!fraction && count >= digits.length()) {
      to[at + 2] = 1;
    }
    if (fraction && to[at + 2] != 0) {
      to[at] = integers[bound].length();
      to[at + 1] = 0;
    } else {
      to[at + (fraction ? 1 : 0)] = Math.min(count + 1, digits.length() + (fraction ? 0 : 1));
    }
  }

  private int order(int[] vector, int bound) {
    int at = 2 + 3 * bound;
    if (vector[at] < integers[bound].length()) {
      return -1;
    }
    if (vector[at + 2] != 0) {
      return vector[at + 2];
    }
    return vector[at + 1] < fractions[bound].length() ? -1 : 0;
  }

  /** A divisor has the remainder and the digits behind the point so far. */
  private boolean divide(int[] to, int divisor, int digit, boolean fraction) {
    int at = 2 + 3 * bounds.size() + 2 * divisor;
    BigDecimal value = divisors.get(divisor);
    int scale = Math.max(0, value.scale());
    if (to[at] < 0) {
      return false;
    }
    if (fraction && to[at + 1] == scale) {
      return digit == 0;
    }
    int modulus = value.movePointRight(scale).intValueExact();
    to[at] = (int) ((10L * to[at] + digit) % modulus);
    to[at + 1] += fraction ? 1 : 0;
    return true;
  }

  private boolean isMultiple(int[] vector, BigDecimal value) {
    int at = 2 + 3 * bounds.size() + 2 * divisors.indexOf(value);
    int scale = Math.max(0, value.scale());
    long remainder = vector[at];
    if (remainder < 0) {
      return false;
    }
    int modulus = value.movePointRight(scale).intValueExact();
    for (int i = vector[at + 1]; i < scale; i++) {
      remainder = 10 * remainder % modulus;
    }
    return remainder == 0;
  }

  private boolean accepts(int[] vector) {
    int syntax = vector[0];
    boolean whole = syntax == ZERO || syntax == INTEGER;
    if (!whole && syntax != FRACTION && syntax != EXPONENT) {
      return false;
    }
    for (NumberSpec spec : specs) {
      boolean in = !spec.plain() || whole;
      if (spec.low() != null) {
        int order = compareTo(vector, spec.low());
        in &= spec.aboveLow() ? order > 0 : order >= 0;
      }
      if (spec.high() != null) {
        int order = compareTo(vector, spec.high());
        in &= spec.belowHigh() ? order < 0 : order <= 0;
      }
      boolean shrinks = (vector[1] & SHRINKS) != 0;
      for (BigDecimal m : spec.multiples()) {
        in &= !shrinks && isMultiple(vector, m);
      }
      for (BigDecimal m : spec.others()) {
        in &= !isMultiple(vector, m);
      }
      if (in) {
        return true;
      }
    }
    return false;
  }

  private int compareTo(int[] vector, BigDecimal bound) {
    int sign = (vector[1] & NONZERO) == 0 ? 0 : (vector[1] & NEGATIVE) != 0 ? -1 : 1;
    if (sign != bound.signum() || sign == 0) {
      return Integer.compare(sign, bound.signum());
    }
    return sign * order(vector, bounds.indexOf(bound.abs()));
  }
}
