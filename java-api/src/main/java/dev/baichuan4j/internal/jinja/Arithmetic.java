package dev.baichuan4j.internal.jinja;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/** Operators on numbers, and those that strings and lists have too. */
final class Arithmetic {
  private Arithmetic() {}

  /** Returns a value as {@code Long} or {@code Double}, or null where it is no number. */
  static Object number(Object value) {
    return value instanceof Long || value instanceof Double
        ? value
        : value instanceof Boolean is ? (Object) (is ? 1L : 0L) : null;
  }

  static int compare(Object a, Object b) {
    if (a instanceof Long x && b instanceof Long y) {
      return Long.compare(x, y);
    }
    double x = ((Number) a).doubleValue();
    double y = ((Number) b).doubleValue();
    if (a instanceof Double && b instanceof Double || Double.isNaN(x) || Double.isNaN(y)) {
      return x < y ? -1 : x > y ? 1 : x == y ? 0 : Double.compare(x, y);
    } else if (Double.isInfinite(x) || Double.isInfinite(y)) {
      return Double.compare(x, y);
    }
    return exact(a).compareTo(exact(b));
  }

  private static BigDecimal exact(Object number) {
    return number instanceof Long integer
        ? BigDecimal.valueOf(integer)
        : new BigDecimal((Double) number);
  }

  static Object signed(Object value, boolean minus) {
    Object number = number(value);
    if (number instanceof Long integer) {
      return minus ? integer("-", () -> Math.negateExact(integer)) : integer;
    } else if (number instanceof Double floating) {
      return minus ? -floating : floating;
    }
    throw unsupported(minus ? "-" : "+", value);
  }

  static Object binary(Run run, String operator, Object a, Object b) {
    Object x = number(a);
    Object y = number(b);
    if (x instanceof Long p && y instanceof Long q) {
      return integers(operator, p, q);
    } else if (x != null && y != null) {
      return floats(operator, ((Number) x).doubleValue(), ((Number) y).doubleValue());
    } else if (operator.equals("+")) {
      return sum(run, a, b);
    } else if (operator.equals("*") && x instanceof Long times) {
      return repeated(run, b, times);
    } else if (operator.equals("*") && y instanceof Long times) {
      return repeated(run, a, times);
    } else if (operator.equals("%") && a instanceof Text pattern) {
      return Formatting.percent(run.budget(), pattern, b);
    }
    throw unsupported(operator, a, b);
  }

  private static Object sum(Run run, Object a, Object b) {
    if (a instanceof Text x && b instanceof Text y) {
      return new TextBuilder(run.budget()).append(x).append(y).toText();
    }
    List<Object> x = Values.sequence(a);
    List<Object> y = Values.sequence(b);
    if (x != null && y != null && (a instanceof Tuple) == (b instanceof Tuple)) {
      run.budget().elements(x.size() + (long) y.size());
      List<Object> both = new ArrayList<>(x);
      both.addAll(y);
      return a instanceof Tuple ? new Tuple(both) : both;
    }
    throw unsupported("+", a, b);
  }

  private static Object repeated(Run run, Object value, long times) {
    long count = Math.max(0, times);
    if (value instanceof Text text) {
      long length = text.toString().length();
      run.budget().write(length == 0 ? 1 : count > Budget.WORK / length ? Budget.WORK + 1 : 1);
      TextBuilder repeated = new TextBuilder(run.budget());
      for (long i = 0; i < count && length > 0; i++) {
        repeated.append(text);
      }
      return repeated.toText();
    }
    List<Object> items = Values.sequence(value);
    if (items == null) {
      throw unsupported("*", value, times);
    }
    List<Object> repeated = new ArrayList<>();
    for (long i = 0; i < count && !items.isEmpty(); i++) {
      run.budget().elements(items.size());
      repeated.addAll(items);
    }
    return value instanceof Tuple ? new Tuple(repeated) : repeated;
  }

  private static Object integers(String operator, long a, long b) {
    if (b == 0 && (operator.equals("//") || operator.equals("%") || operator.equals("/"))) {
      throw TemplateException.failed("division by zero");
    }
    return switch (operator) {
      case "+" -> integer(operator, () -> Math.addExact(a, b));
      case "-" -> integer(operator, () -> Math.subtractExact(a, b));
      case "*" -> integer(operator, () -> Math.multiplyExact(a, b));
      case "//" -> integer(operator, () -> floorDivided(a, b));
      case "%" -> Math.floorMod(a, b);
      case "**" -> b < 0 ? (Object) Math.pow(a, b) : (Object) power(a, b);
      default -> (double) a / b;
    };
  }

  private static long floorDivided(long a, long b) {
    return b == -1 ? Math.negateExact(a) : Math.floorDiv(a, b);
  }

  private static long power(long base, long exponent) {
    if (base == 0 || base == 1 || base == -1) {
      return exponent == 0 ? 1 : base == -1 && exponent % 2 == 0 ? 1 : base;
    }
    long power = 1;
    for (long i = 0; i < exponent; i++) { // 63 times at most
      long factor = power;
      power = integer("**", () -> Math.multiplyExact(factor, base));
    }
    return power;
  }

  private interface Exact {
    long value();
  }

  private static long integer(String operator, Exact exact) {
    try {
      return exact.value();
    } catch (ArithmeticException e) {
      throw TemplateException.failed("an integer beyond 64 bits by '" + operator + "'");
    }
  }

  private static Object floats(String operator, double a, double b) {
    if (b == 0 && (operator.equals("//") || operator.equals("%") || operator.equals("/"))) {
      throw TemplateException.failed("division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> a % b == 0 ? Math.copySign(0.0, b) : (a % b < 0) == (b < 0) ? a % b : a % b + b;
      default -> Math.pow(a, b);
    };
  }

  private static TemplateException unsupported(String operator, Object... operands) {
    StringBuilder types = new StringBuilder();
    for (Object operand : operands) {
      if (operand instanceof Undefined undefined) {
        return undefined.failure();
      }
      types.append(types.isEmpty() ? "" : " and ").append(Values.typeName(operand));
    }
    return TemplateException.failed("operator '" + operator + "' on " + types);
  }
}
