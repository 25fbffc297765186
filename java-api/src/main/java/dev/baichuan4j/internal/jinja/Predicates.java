package dev.baichuan4j.internal.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The tests by name: what {@code is} asks of a value. */
final class Predicates {
  /** What a value may be. */
  @FunctionalInterface
  interface Predicate {
    boolean holds(Run run, Object value, Arguments arguments);
  }

  private interface Simple {
    boolean holds(Object value);
  }

  static final Map<String, Predicate> ALL = all();

  private Predicates() {}

  private static Map<String, Predicate> all() {
    Map<String, Predicate> all = new HashMap<>();
    put(all, "defined", value -> !(value instanceof Undefined));
    put(all, "undefined", Undefined.class::isInstance);
    put(all, "none", value -> value == None.NONE);
    put(all, "string", Text.class::isInstance);
    put(all, "mapping", Map.class::isInstance);
    put(all, "boolean", Boolean.class::isInstance);
    put(all, "integer", Long.class::isInstance);
    put(all, "float", Double.class::isInstance);
    put(all, "number", value -> Arithmetic.number(value) != null);
    put(all, "true", Boolean.TRUE::equals);
    put(all, "false", Boolean.FALSE::equals);
    put(all, "callable", Function.class::isInstance);
    put(all, "sequence", value -> hasItems(value) && !(value instanceof Generator));
    put(all, "iterable", Predicates::hasItems);
    put(all, "odd", value -> parity(value) == 1);
    put(all, "even", value -> parity(value) == 0);
    put(all, "lower", value -> cased(value, "islower"));
    put(all, "upper", value -> cased(value, "isupper"));
    all.put("divisibleby", (run, value, a) -> divisible(run, value, a.require(0, "num")));
    all.put("sameas", (run, value, a) -> same(value, a.require(0, "other")));
    all.put("filter", (run, value, a) -> Filters.ALL.containsKey(value.toString()));
    all.put("test", (run, value, a) -> Predicates.ALL.containsKey(value.toString()));
    compare(all, "==", "==", "eq", "equalto");
    compare(all, "!=", "!=", "ne");
    compare(all, "<", "<", "lt", "lessthan");
    compare(all, "<=", "<=", "le");
    compare(all, ">", ">", "gt", "greaterthan");
    compare(all, ">=", ">=", "ge");
    compare(all, "in", "in");
    return Map.copyOf(all);
  }

  private static void put(Map<String, Predicate> all, String name, Simple test) {
    all.put(
        name,
        (run, value, arguments) -> {
          arguments.check();
          return test.holds(value);
        });
  }

  private static void compare(Map<String, Predicate> all, String operator, String... names) {
    for (String name : names) {
      all.put(
          name,
          (run, value, a) ->
              Comparison.holds(run.budget(), operator, value, a.require(0, "other")));
    }
  }

  private static boolean hasItems(Object value) {
    return value instanceof Text
        || value instanceof List<?>
        || value instanceof Tuple
        || value instanceof Map<?, ?>
        || value instanceof Generator
        || value instanceof Undefined;
  }

  private static long parity(Object value) {
    if (Arithmetic.number(value) instanceof Long integer) {
      return Math.floorMod(integer, 2L);
    }
    throw TemplateException.failed("whether a " + Values.typeName(value) + " is odd or even");
  }

  private static boolean cased(Object value, String method) {
    return value instanceof Text text
        && StringMethods.of(text, method).call(new Run(Map.of(), null), Arguments.NONE)
            == Boolean.TRUE;
  }

  private static boolean divisible(Run run, Object value, Object by) {
    return Comparison.equal(run.budget(), Arithmetic.binary(run, "%", value, by), 0L);
  }

  private static boolean same(Object a, Object b) {
    return a == b || (Arithmetic.number(a) != null && a.equals(b));
  }
}
