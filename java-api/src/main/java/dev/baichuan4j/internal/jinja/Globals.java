package dev.baichuan4j.internal.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that every template can name. */
final class Globals {
  /** As Jinja's sandbox has it. */
  private static final long LONGEST_RANGE = 100_000;

  static final Map<String, Object> ALL =
      Map.of(
          "range", (Function) Globals::range,
          "dict", (Function) Globals::dict,
          "namespace", (Function) Globals::namespace,
          "raise_exception", (Function) Globals::raise,
          "strftime_now", (Function) Globals::now);

  private Globals() {}

  private static Object range(Run run, Arguments arguments) {
    List<Object> given = arguments.check("start", "stop", "step").positional();
    arguments.require(0, "stop");
    long first = given.size() > 1 ? arguments.integer(0, "start", 0) : 0;
    long end = arguments.integer(given.size() > 1 ? 1 : 0, "stop", 0);
    long step = arguments.integer(2, "step", 1);
    if (step == 0) {
      throw TemplateException.failed("range() arg 3 must not be zero");
    }
    List<Object> range = new ArrayList<>();
    for (long at = first; step > 0 ? at < end : at > end; ) {
      if (range.size() == LONGEST_RANGE) {
        throw TemplateException.limit("a range of more than " + LONGEST_RANGE + " items");
      }
      run.budget().elements(1);
      range.add(at);
      long next = at + step;
      if (step > 0 ? next < at : next > at) {
        break; // beyond 64 bits
      }
      at = next;
    }
    return range;
  }

  private static Map<Object, Object> dict(Run run, Arguments arguments) {
    Map<Object, Object> map = new LinkedHashMap<>();
    if (arguments.positional().size() > 1) {
      throw TemplateException.failed("dict expected at most 1 argument");
    }
    for (Object source : arguments.positional()) {
      if (source instanceof Map<?, ?> other) {
        run.budget().elements(other.size());
        map.putAll(other);
        continue;
      }
      for (Object entry : Values.items(run.budget(), source)) {
        List<Object> pair = Values.items(run.budget(), entry);
        if (pair.size() != 2) {
          throw TemplateException.failed("dict of an item that is no pair");
        }
        map.put(Values.key(pair.get(0)), pair.get(1));
      }
    }
    arguments.named().forEach((name, value) -> map.put(Text.own(name), value));
    return map;
  }

  private static Object namespace(Run run, Arguments arguments) {
    Namespace namespace = new Namespace();
    dict(run, arguments).forEach((name, value) -> namespace.set(name.toString(), value));
    return namespace;
  }

  private static Object raise(Run run, Arguments arguments) {
    Object message = arguments.check("message").require(0, "message");
    throw TemplateException.raised(Printing.text(run.budget(), message).toString());
  }

  private static Object now(Run run, Arguments arguments) {
    return Strftime.format(run.now(), arguments.check("format").requireText(0, "format"));
  }
}
