package dev.baichuan4j.internal.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Attributes and items. Nothing of Java's is among them. */
final class Access {
  /** Methods that change a list or mapping, which Jinja's immutable sandbox refuses to call. */
  private static final Set<String> CHANGE_LIST =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

  private static final Set<String> CHANGE_MAP =
      Set.of("clear", "pop", "popitem", "setdefault", "update");

  private Access() {}

  /** {@code object.name}: a method, or else the member of that name. */
  static Object attribute(Run run, Object object, String name) {
    if (object instanceof Undefined undefined) {
      throw undefined.failure();
    } else if (object instanceof Namespace namespace) {
      return namespace.get(name);
    } else if (object instanceof LoopState loop) {
      return loop.attribute(run, name);
    }
    Function method = method(object, name);
    if (method != null) {
      return method;
    }
    if (object instanceof Map<?, ?> map) {
      Object member = map.get(Text.own(name));
      if (member != null) {
        return member;
      }
    }
    return missing(object, name);
  }

  /** {@code object[key]}: the member of that key, or else a method. */
  static Object item(Run run, Object object, Object key) {
    if (object instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (object instanceof Map<?, ?> map) {
      if (key instanceof Text text) {
        run.budget().read(text.toString().length());
      }
      Object member = map.get(Values.key(key));
      if (member != null) {
        return member;
      }
    } else if (Arithmetic.number(key) instanceof Long index) {
      return indexed(run, object, index);
    }
    if (key instanceof Text name) {
      if (object instanceof Namespace || object instanceof LoopState) {
        return attribute(run, object, name.toString());
      }
      Function method = method(object, name.toString());
      return method != null ? method : missing(object, name.toString());
    }
    return missing(object, Printing.text(run.budget(), key).toString());
  }

  private static Object indexed(Run run, Object object, long index) {
    List<Object> items = Values.sequence(object);
    if (items == null && !(object instanceof Text)) {
      return missing(object, Long.toString(index));
    }
    if (object instanceof Text text) {
      run.budget().read(text.toString().length());
    }
    long size = Values.size(object);
    long at = index < 0 ? index + size : index;
    if (at < 0 || at >= size) {
      return missing(object, Long.toString(index));
    }
    if (object instanceof Text text) {
      int from = text.offset((int) at);
      return text.slice(from, from + Character.charCount(text.toString().codePointAt(from)));
    }
    return items.get((int) at);
  }

  private static Undefined missing(Object object, String name) {
    String shown = name.length() > 80 ? name.substring(0, 80) + "..." : name;
    return new Undefined(
        "'" + Values.typeName(object) + " object' has no attribute '" + shown + "'");
  }

  private static Function method(Object object, String name) {
    if (object instanceof Text text) {
      return StringMethods.of(text, name);
    } else if (object instanceof Map<?, ?> map) {
      return CHANGE_MAP.contains(name) ? refused(object, name) : ofMap(map, name);
    } else if (Values.isSequence(object)) {
      return object instanceof List<?> && CHANGE_LIST.contains(name)
          ? refused(object, name)
          : ofList(Values.sequence(object), name);
    }
    return null;
  }

  private static Function refused(Object object, String name) {
    return (run, arguments) -> {
      throw TemplateException.failed(
          "'" + name + "' of a " + Values.typeName(object) + " is called, which would change it");
    };
  }

  private static Function ofMap(Map<?, ?> map, String name) {
    return switch (name) {
      case "get" ->
          (run, arguments) -> {
            Object value = map.get(Values.key(arguments.require(0, "key")));
            return value != null ? value : arguments.get(1, "default").orElse(None.NONE);
          };
      case "items" -> (run, arguments) -> entries(run.budget(), map);
      case "keys" -> (run, arguments) -> Values.items(run.budget(), map);
      case "values" ->
          (run, arguments) -> {
            run.budget().elements(map.size());
            return List.<Object>copyOf(map.values());
          };
      case "copy" ->
          (run, arguments) -> {
            run.budget().elements(map.size());
            return new LinkedHashMap<Object, Object>(map);
          };
      default -> null;
    };
  }

  /** Returns the members of a mapping, each as a tuple of its key and its value. */
  static List<Object> entries(Budget budget, Map<?, ?> map) {
    budget.elements(2L * map.size());
    return map.entrySet().stream()
        .<Object>map(member -> new Tuple(List.of(member.getKey(), member.getValue())))
        .toList();
  }

  private static Function ofList(List<?> list, String name) {
    return switch (name) {
      case "index" ->
          (run, arguments) -> {
            for (int i = 0; i < list.size(); i++) {
              if (Comparison.equal(run.budget(), list.get(i), arguments.require(0, "value"))) {
                return (long) i;
              }
            }
            throw TemplateException.failed("value is not in list");
          };
      case "count" ->
          (run, arguments) ->
              list.stream()
                  .filter(
                      item -> Comparison.equal(run.budget(), item, arguments.require(0, "value")))
                  .count();
      case "copy" ->
          (run, arguments) -> {
            run.budget().elements(list.size());
            return List.<Object>copyOf(list);
          };
      default -> null;
    };
  }
}
