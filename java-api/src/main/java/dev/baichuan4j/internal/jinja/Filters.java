package dev.baichuan4j.internal.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The filters by name: those of single values here, those of sequences in their own file. */
final class Filters {
  private static final Pattern WORD_BEGINS = Pattern.compile("[-\\s({\\[<]+");

  static final Map<String, Filter> ALL = all();

  private Filters() {}

  private static Map<String, Filter> all() {
    Map<String, Filter> all = new HashMap<>();
    all.put("abs", (run, value, a) -> abs(value));
    all.put("attr", (run, value, a) -> attribute(run, value, a.requireText(0, "name")));
    all.put("capitalize", texts((run, text, a) -> StringMethods.capitalize(run.budget(), text)));
    all.put("default", (run, value, a) -> orDefault(value, a));
    all.put("d", all.get("default"));
    all.put("escape", texts((run, text, a) -> text.map(run.budget(), Filters::escaped)));
    all.put("e", all.get("escape"));
    all.put("float", (run, value, a) -> floating(value, a.get(0, "default").orElse(0.0)));
    all.put("format", texts(Filters::format));
    all.put("indent", texts((run, text, a) -> indented(run, text, a)));
    all.put("int", (run, value, a) -> integer(value, a));
    all.put("length", (run, value, a) -> Values.size(value));
    all.put("count", all.get("length"));
    all.put("lower", texts((run, t, a) -> t.map(run.budget(), s -> s.toLowerCase(Locale.ROOT))));
    all.put("upper", texts((run, t, a) -> t.map(run.budget(), s -> s.toUpperCase(Locale.ROOT))));
    all.put("replace", texts(Filters::replaced));
    all.put("round", (run, value, a) -> rounded(value, a));
    all.put("safe", texts((run, text, a) -> text));
    all.put("string", texts((run, text, a) -> text));
    all.put("title", texts((run, text, a) -> titled(run.budget(), text)));
    all.put("tojson", (run, value, a) -> JsonWriter.write(run.budget(), value, a));
    all.put(
        "trim", texts((run, t, a) -> StringMethods.strip(run, t, a.text(0, "chars"), true, true)));
    SequenceFilters.addTo(all);
    return Map.copyOf(all);
  }

  private interface OfText {
    Object apply(Run run, Text text, Arguments arguments);
  }

  /** A filter of the text that a value is printed as. */
  private static Filter texts(OfText filter) {
    return (run, value, arguments) ->
        filter.apply(run, Printing.text(run.budget(), value), arguments);
  }

  private static Object attribute(Run run, Object value, Text name) {
    return Access.attribute(run, value, name.toString());
  }

  private static Object orDefault(Object value, Arguments arguments) {
    arguments.check("default_value", "boolean");
    boolean replaced =
        value instanceof Undefined
            || (arguments.truth(1, "boolean", false) && !Values.truth(value));
    return replaced ? arguments.get(0, "default_value").orElse(Text.EMPTY) : value;
  }

  private static Object abs(Object value) {
    Object number = Arithmetic.number(value);
    if (number == null) {
      throw TemplateException.failed("'abs' of a " + Values.typeName(value));
    }
    return Arithmetic.compare(number, 0L) < 0 ? Arithmetic.signed(number, true) : number;
  }

  private static Object floating(Object value, Object otherwise) {
    if (Arithmetic.number(value) instanceof Number number) {
      return number.doubleValue();
    }
    Double parsed = value instanceof Text text ? Numerals.floating(text.toString()) : null;
    return parsed != null ? parsed : otherwise;
  }

  private static Object integer(Object value, Arguments arguments) {
    arguments.check("default", "base");
    Object otherwise = arguments.get(0, "default").orElse(0L);
    Object number = Arithmetic.number(value);
    if (number instanceof Long) {
      return number;
    }
    if (value instanceof Text text) {
      int base = (int) arguments.integer(1, "base", 10);
      Long integer = Numerals.integer(text.toString(), base);
      if (integer != null) {
        return integer;
      }
      number = Numerals.floating(text.toString());
    }
    return number instanceof Double d && Math.abs(d) < 0x1p63 ? (Object) d.longValue() : otherwise;
  }

  private static Object rounded(Object value, Arguments arguments) {
    arguments.check("precision", "method");
    long places = arguments.integer(0, "precision", 0);
    Text named = arguments.text(1, "method");
    String method = named == null ? "common" : named.toString();
    RoundingMode mode =
        switch (method) {
          case "common" -> RoundingMode.HALF_EVEN;
          case "ceil" -> RoundingMode.CEILING;
          case "floor" -> RoundingMode.FLOOR;
          default ->
              throw TemplateException.failed("method " + method + ", expected common, ceil, floor");
        };
    Object number = Arithmetic.number(value);
    if (number instanceof Long && method.equals("common") && places >= 0) {
      return number;
    }
    if (number == null || Math.abs(places) > 300) {
      throw TemplateException.failed("'round' of a " + Values.typeName(value) + " to " + places);
    }
    double exact = ((Number) number).doubleValue();
    return Double.isFinite(exact)
        ? (Object) new BigDecimal(exact).setScale((int) places, mode).doubleValue()
        : number;
  }

  private static Object replaced(Run run, Text text, Arguments arguments) {
    arguments.check("old", "new", "count");
    Object most = arguments.get(2, "count").orElse(None.NONE);
    return StringMethods.replace(
        run.budget(),
        text,
        Printing.text(run.budget(), arguments.require(0, "old")),
        Printing.text(run.budget(), arguments.require(1, "new")),
        most == None.NONE ? -1 : arguments.integer(2, "count", -1));
  }

  private static Object format(Run run, Text text, Arguments arguments) {
    if (arguments.named().isEmpty()) {
      return Formatting.percent(run.budget(), text, new Tuple(arguments.positional()));
    }
    Map<Object, Object> named = new HashMap<>();
    arguments.named().forEach((name, value) -> named.put(Text.own(name), value));
    return Formatting.percent(run.budget(), text, named);
  }

  private static Object indented(Run run, Text text, Arguments arguments) {
    arguments.check("width", "first", "blank");
    Object width = arguments.get(0, "width").orElse(4L);
    Text indention = width instanceof Text own ? own : Text.own(" ".repeat(spaces(arguments)));
    boolean blank = arguments.truth(2, "blank", false);
    TextBuilder indented = new TextBuilder(run.budget());
    if (arguments.truth(1, "first", false)) {
      indented.append(indention);
    }
    Text closed = new TextBuilder(run.budget()).append(text).append("\n").toText();
    List<Object> lines = Splitting.lines(run.budget(), closed, false);
    for (int i = 0; i < lines.size(); i++) {
      Text line = (Text) lines.get(i);
      if (i > 0) {
        indented.append("\n");
        if (blank || !line.isEmpty()) {
          indented.append(indention);
        }
      }
      indented.append(line);
    }
    return indented.toText();
  }

  private static int spaces(Arguments arguments) {
    long width = arguments.integer(0, "width", 4);
    if (width > 1000) {
      throw TemplateException.failed("'indent' by " + width + ", expected at most 1000");
    }
    return (int) Math.max(0, width);
  }

  /** As Jinja's own filter: words begin behind blank space, hyphens and opening brackets. */
  private static Text titled(Budget budget, Text text) {
    String s = text.toString();
    TextBuilder titled = new TextBuilder(budget);
    Matcher between = WORD_BEGINS.matcher(s);
    int at = 0;
    while (at < s.length()) {
      boolean found = between.find(at);
      int end = found ? between.start() : s.length();
      if (end > at) {
        int first = at + Character.charCount(s.codePointAt(at));
        titled.append(text.slice(at, first).map(budget, c -> c.toUpperCase(Locale.ROOT)));
        titled.append(text.slice(first, end).map(budget, c -> c.toLowerCase(Locale.ROOT)));
      }
      int next = found ? between.end() : s.length();
      titled.append(text, end, next);
      at = next;
    }
    return titled.toText();
  }

  private static String escaped(String run) {
    return run.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;")
        .replace("\"", "&#34;");
  }
}
