package dev.baichuan4j.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What all values have: whether they are true, their items, their size and the name of a type. */
final class Values {
  private Values() {}

  static boolean truth(Object value) {
    if (value instanceof Boolean is) {
      return is;
    } else if (value instanceof Text text) {
      return !text.isEmpty();
    } else if (value instanceof Long integer) {
      return integer != 0;
    } else if (value instanceof Double number) {
      return number != 0;
    } else if (value instanceof List<?> list) {
      return !list.isEmpty();
    } else if (value instanceof Tuple tuple) {
      return !tuple.items().isEmpty();
    } else if (value instanceof Map<?, ?> map) {
      return !map.isEmpty();
    }
    return value != None.NONE && !(value instanceof Undefined);
  }

  /** Returns the items of what a loop can go through. */
  static List<Object> items(Budget budget, Object value) {
    List<Object> items = itemsOf(budget, value);
    budget.elements(items.size());
    return items;
  }

  private static List<Object> itemsOf(Budget budget, Object value) {
    if (isSequence(value)) {
      return sequence(value);
    } else if (value instanceof Map<?, ?> map) {
      return new ArrayList<>(map.keySet());
    } else if (value instanceof Generator generator) {
      return generator.take();
    } else if (value instanceof Undefined) {
      return List.of();
    } else if (value instanceof Text text) {
      String chars = text.toString();
      budget.elements(chars.length());
      List<Object> characters = new ArrayList<>();
      for (int at = 0; at < chars.length(); ) {
        int end = at + Character.charCount(chars.codePointAt(at));
        characters.add(text.slice(at, end));
        at = end;
      }
      return characters;
    }
    throw TemplateException.failed("'" + typeName(value) + "' object is not iterable");
  }

  static boolean isSequence(Object value) {
    return value instanceof List<?> || value instanceof Tuple;
  }

  /** Returns the items of a list or tuple, and null for others. */
  @SuppressWarnings("unchecked") // every list of a rendering holds objects
  static List<Object> sequence(Object value) {
    return value instanceof Tuple tuple
        ? tuple.items()
        : value instanceof List<?> list ? (List<Object>) list : null;
  }

  static long size(Object value) {
    if (value instanceof Text text) {
      return text.size();
    } else if (value instanceof Map<?, ?> map) {
      return map.size();
    } else if (value instanceof Undefined) {
      return 0;
    } else if (isSequence(value)) {
      return sequence(value).size();
    }
    throw TemplateException.failed("object of type '" + typeName(value) + "' has no len()");
  }

  /** Returns a value that a mapping can have as a key: equal ones are the same key. */
  static Object key(Object value) {
    if (value instanceof Text || value instanceof Long || value == None.NONE) {
      return value;
    } else if (value instanceof Boolean is) {
      return is;
    } else if (value instanceof Double number) {
      return number == Math.rint(number) && Math.abs(number) < 1L << 53
          ? (Object) number.longValue()
          : number;
    } else if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    throw TemplateException.failed("'" + typeName(value) + "' as a key, expected a string");
  }

  /** Returns the name that Python has for the type of a value. */
  static String typeName(Object value) {
    if (value instanceof Text) {
      return "str";
    } else if (value instanceof Long) {
      return "int";
    } else if (value instanceof Double) {
      return "float";
    } else if (value instanceof Boolean) {
      return "bool";
    } else if (value == None.NONE) {
      return "NoneType";
    } else if (value instanceof List<?>) {
      return "list";
    } else if (value instanceof Tuple) {
      return "tuple";
    } else if (value instanceof Map<?, ?>) {
      return "dict";
    } else if (value instanceof Generator) {
      return "generator";
    } else if (value instanceof Undefined) {
      return "Undefined";
    } else if (value instanceof Namespace) {
      return "Namespace";
    }
    return value instanceof LoopState ? "LoopContext" : "function";
  }
}
