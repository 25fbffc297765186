package dev.baichuan4j.internal.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code '{}'.format(value)} and {@code '%s' % value}, as far as chat templates use them. */
final class Formatting {
  private static final Pattern BRACES =
      Pattern.compile("\\{\\{|}}|\\{(?<name>[A-Za-z0-9_]*)(?::(?<type>[ds]?))?}|[{}]");
  private static final Pattern PERCENT =
      Pattern.compile(
          "%(?:\\((?<name>[^)]*)\\))?(?<flags>[-0]?)(?<width>[0-9]{0,3})"
              + "(?:\\.(?<digits>[0-9]{1,2}))?(?<type>[sdirf%])|%");

  private Formatting() {}

  static Text braces(Budget budget, Text pattern, Arguments arguments) {
    String s = pattern.toString();
    TextBuilder text = new TextBuilder(budget);
    Matcher matcher = BRACES.matcher(s);
    int at = 0;
    int next = 0;
    for (; matcher.find(); at = matcher.end()) {
      text.append(pattern, at, matcher.start());
      String found = matcher.group();
      String name = matcher.group("name");
      if (name == null) {
        if (found.length() < 2) {
          throw TemplateException.failed(
              "'" + found + "' in a format string, expected {}, {0} or {name}");
        }
        text.append(pattern, matcher.start(), matcher.start() + 1);
        continue;
      }
      int place =
          name.isEmpty() ? next++ : name.matches("[0-9]{1,4}") ? Integer.parseInt(name) : -1;
      Object value = place < 0 ? arguments.named().get(name) : at(arguments.positional(), place);
      if (value == null) {
        throw TemplateException.failed("no argument '" + name + "' for a format string");
      }
      Printing.print(text, budget, value);
    }
    return text.append(pattern, at, s.length()).toText();
  }

  private static Object at(List<Object> values, int place) {
    return place < values.size() ? values.get(place) : null;
  }

  static Text percent(Budget budget, Text pattern, Object values) {
    String s = pattern.toString();
    List<Object> items = values instanceof Tuple tuple ? tuple.items() : List.of(values);
    TextBuilder text = new TextBuilder(budget);
    Matcher matcher = PERCENT.matcher(s);
    int at = 0;
    int next = 0;
    for (; matcher.find(); at = matcher.end()) {
      text.append(pattern, at, matcher.start());
      String type = matcher.group("type");
      if (type == null) {
        throw TemplateException.failed("a format that is not one of %s, %d, %i, %r, %f, %%");
      } else if (type.equals("%")) {
        text.append("%");
        continue;
      }
      String name = matcher.group("name");
      Object value =
          name != null && values instanceof Map<?, ?> map
              ? map.get(Text.own(name))
              : name == null ? at(items, next++) : null;
      if (value == null) {
        throw TemplateException.failed("not enough arguments for a format string");
      }
      pad(text, budget, matcher, converted(budget, matcher, value));
    }
    if (!(values instanceof Map) && next < items.size()) {
      throw TemplateException.failed("not all arguments converted by a format string");
    }
    return text.append(pattern, at, s.length()).toText();
  }

  private static Text converted(Budget budget, Matcher matcher, Object value) {
    String type = matcher.group("type");
    String digits = matcher.group("digits");
    if (type.equals("s") || type.equals("r")) {
      TextBuilder text = new TextBuilder(budget);
      if (type.equals("s")) {
        Printing.print(text, budget, value);
      } else {
        Printing.repr(text, budget, value);
      }
      Text whole = text.toText();
      int most = digits == null ? Integer.MAX_VALUE : Integer.parseInt(digits);
      return whole.size() > most ? whole.slice(budget, 0, whole.offset(most)) : whole;
    }
    Object number = Arithmetic.number(value);
    if (number == null || number instanceof Double d && !Double.isFinite(d)) {
      throw TemplateException.failed("%" + type + " of a " + Values.typeName(value));
    }
    BigDecimal exact =
        number instanceof Long integer
            ? BigDecimal.valueOf(integer)
            : new BigDecimal((Double) number);
    boolean whole = !type.equals("f");
    int places = whole ? 0 : digits == null ? 6 : Integer.parseInt(digits);
    RoundingMode rounding = whole ? RoundingMode.DOWN : RoundingMode.HALF_EVEN;
    return Text.own(exact.setScale(places, rounding).toPlainString());
  }

  private static void pad(TextBuilder out, Budget budget, Matcher matcher, Text value) {
    String width = matcher.group("width");
    String flags = matcher.group("flags");
    int missing = width.isEmpty() ? 0 : Integer.parseInt(width) - value.size();
    boolean zeros = flags.equals("0") && "dif".contains(matcher.group("type"));
    String padding = (zeros ? "0" : " ").repeat(Math.max(0, missing));
    if (flags.equals("-")) {
      out.append(value).append(padding);
    } else if (zeros && value.toString().startsWith("-")) {
      out.append("-").append(padding).append(value.slice(budget, 1, value.toString().length()));
    } else {
      out.append(padding).append(value);
    }
  }
}
