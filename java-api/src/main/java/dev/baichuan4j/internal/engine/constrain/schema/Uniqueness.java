package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Dfa;
import dev.baichuan4j.internal.engine.constrain.Regex;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayDeque;
import java.util.Deque;

/** Arrays whose items all differ: whether there are enough different ones. */
final class Uniqueness {
  private static final int MAX_STEPS = 100_000;

  private Uniqueness() {}

  /**
   * Whether there is such an array.
   *
   * @throws dev.baichuan4j.InvalidRequestException if uniqueness cannot be enforced here
   */
  static boolean isPossible(Shapes shapes, ArraySpec spec) {
    if (!spec.prefix().isEmpty() || !spec.contains().isEmpty()) {
      throw refused("beside prefixItems or contains");
    }
    Shape item = shapes.shape(spec.rest());
    if (shapes.inhabitants().anyOf(item.arrays(), item.objects())) {
      throw refused("where items may be arrays or objects");
    }
    return spec.min() == 0 || hasAtLeast(shapes, item, spec.min());
  }

  private static RuntimeException refused(String where) {
    return SchemaProblem.unsupported("uniqueItems", "#", "it is not supported " + where);
  }

  private static boolean hasAtLeast(Shapes shapes, Shape item, int count) {
    long found = Integer.bitCount(item.literals());
    for (NumberSpec spec : item.numbers()) {
      found += count(spec);
    }
    if (found >= count || item.strings() == Regex.NOTHING) {
      return found >= count;
    }
    return item.strings() == Regex.ANY_TEXT
        || hasTexts(shapes.automaton(item.strings()), count - found);
  }

  private static long count(NumberSpec spec) {
    boolean bounded = spec.low() != null && spec.high() != null;
    if (!bounded) {
      return Integer.MAX_VALUE;
    }
    if (spec.low().equals(spec.high())) {
      return 1;
    }
    if (spec.multiples().isEmpty()) {
      return Integer.MAX_VALUE;
    }
    // Multiples of one number; several are at least this far apart and are counted by the largest.
    BigDecimal step = spec.multiples().stream().max(BigDecimal::compareTo).orElseThrow();
    if (spec.multiples().size() > 1 || !spec.others().isEmpty()) {
      throw refused("where items are multiples of several numbers");
    }
    BigDecimal first = spec.low().divide(step, 0, RoundingMode.CEILING);
    BigDecimal last = spec.high().divide(step, 0, RoundingMode.FLOOR);
    BigDecimal count = last.subtract(first).add(BigDecimal.ONE);
    boolean lowOut = spec.aboveLow() && first.multiply(step).compareTo(spec.low()) == 0;
    boolean highOut = spec.belowHigh() && last.multiply(step).compareTo(spec.high()) == 0;
    long excluded = (lowOut ? 1 : 0) + (highOut ? 1 : 0);
    return count.min(BigDecimal.valueOf(Integer.MAX_VALUE)).longValue() - excluded;
  }

  /** Whether an automaton accepts at least so many texts. */
  private static boolean hasTexts(Dfa automaton, long count) {
    Deque<Integer> open = new ArrayDeque<>();
    if (automaton.start() != Dfa.DEAD) {
      open.push(automaton.start());
    }
    long found = 0;
    for (int steps = 0; !open.isEmpty(); steps++) {
      if (steps > MAX_STEPS) {
        return true; // so many beginnings that differ, each of which a text ends
      }
      int state = open.pop();
      found += automaton.accepting(state) ? 1 : 0;
      if (found >= count) {
        return true;
      }
      for (int b = 0; b < 256; b++) {
        int next = automaton.next(state, b);
        if (next != Dfa.DEAD) {
          open.push(next);
        }
      }
    }
    return false;
  }
}
