package dev.baichuan4j.internal.jinja;

import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Equality, order and membership, as Python has them. */
final class Comparison {
  private Comparison() {}

  static boolean holds(Budget budget, String operator, Object a, Object b) {
    return switch (operator) {
      case "==" -> equal(budget, a, b);
      case "!=" -> !equal(budget, a, b);
      case "in" -> contains(budget, b, a);
      case "not in" -> !contains(budget, b, a);
      case "<" -> compare(budget, a, b) < 0;
      case "<=" -> compare(budget, a, b) <= 0;
      case ">" -> compare(budget, a, b) > 0;
      default -> compare(budget, a, b) >= 0;
    };
  }

  static boolean equal(Budget budget, Object a, Object b) {
    budget.step();
    if (a instanceof Text x && b instanceof Text y) {
      budget.read(x.toString().length());
      return x.equals(y);
    }
    Object x = Arithmetic.number(a);
    Object y = Arithmetic.number(b);
    if (x != null && y != null) {
      return Arithmetic.compare(x, y) == 0 && !isNaN(x) && !isNaN(y);
    }
    if ((a instanceof Tuple) != (b instanceof Tuple)) {
      return false;
    }
    budget.enter();
    boolean equal;
    if (Values.isSequence(a) && Values.isSequence(b)) {
      List<Object> p = Values.sequence(a);
      List<Object> q = Values.sequence(b);
      equal = p.size() == q.size();
      for (int i = 0; equal && i < p.size(); i++) {
        equal = equal(budget, p.get(i), q.get(i));
      }
    } else if (a instanceof Map<?, ?> p && b instanceof Map<?, ?> q) {
      equal = p.size() == q.size();
      for (Map.Entry<?, ?> member : p.entrySet()) {
        Object other = q.get(member.getKey());
        equal = equal && other != null && equal(budget, member.getValue(), other);
      }
    } else {
      equal = a == b || (a instanceof Undefined && b instanceof Undefined);
    }
    budget.leave();
    return equal;
  }

  private static boolean isNaN(Object number) {
    return number instanceof Double d && d.isNaN();
  }

  static int compare(Budget budget, Object a, Object b) {
    budget.step();
    if (a instanceof Text x && b instanceof Text y) {
      budget.write(x.toString().length() + (long) y.toString().length());
      return x.compareTo(y);
    }
    Object x = Arithmetic.number(a);
    Object y = Arithmetic.number(b);
    if (x != null && y != null) {
      return Arithmetic.compare(x, y);
    }
    if ((a instanceof Tuple) == (b instanceof Tuple)
        && Values.isSequence(a)
        && Values.isSequence(b)) {
      List<Object> p = Values.sequence(a);
      List<Object> q = Values.sequence(b);
      budget.enter();
      int order = Integer.compare(p.size(), q.size());
      for (int i = 0; i < Math.min(p.size(), q.size()); i++) {
        if (!equal(budget, p.get(i), q.get(i))) {
          order = compare(budget, p.get(i), q.get(i));
          break;
        }
      }
      budget.leave();
      return order;
    }
    if (a instanceof Undefined undefined) {
      throw undefined.failure();
    } else if (b instanceof Undefined undefined) {
      throw undefined.failure();
    }
    throw TemplateException.failed(
        "no order between '" + Values.typeName(a) + "' and '" + Values.typeName(b) + "'");
  }

  static Comparator<Object> order(Budget budget) {
    return (a, b) -> compare(budget, a, b);
  }

  private static boolean contains(Budget budget, Object container, Object item) {
    if (container instanceof Text text) {
      if (!(item instanceof Text part)) {
        throw TemplateException.failed(
            "'in <string>' requires a string, not " + Values.typeName(item));
      }
      budget.search(text, part);
      return text.toString().contains(part.toString());
    } else if (container instanceof Map<?, ?> map) {
      return map.containsKey(Values.key(item));
    }
    for (Object element : Values.items(budget, container)) {
      if (equal(budget, element, item)) {
        return true;
      }
    }
    return false;
  }
}
