package dev.baichuan4j.internal.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Values as Python's {@code str} and {@code repr} write them. */
final class Printing {
  private Printing() {}

  static void print(TextBuilder out, Budget budget, Object value) {
    if (value instanceof Text text) {
      out.append(text);
    } else if (!(value instanceof Undefined)) {
      repr(out, budget, value);
    }
  }

  static Text text(Budget budget, Object value) {
    if (value instanceof Text text) {
      return text;
    }
    TextBuilder out = new TextBuilder(budget);
    print(out, budget, value);
    return out.toText();
  }

  static void repr(TextBuilder out, Budget budget, Object value) {
    budget.step();
    budget.enter();
    if (value instanceof Text text) {
      quote(out, text);
    } else if (value instanceof Boolean is) {
      out.append(is ? "True" : "False");
    } else if (value instanceof Double number) {
      out.append(number(number));
    } else if (value instanceof Long) {
      out.append(value.toString());
    } else if (value == None.NONE) {
      out.append("None");
    } else if (value instanceof Undefined) {
      out.append("Undefined");
    } else if (value instanceof List<?> list) {
      items(out, budget, list, "[", "]");
    } else if (value instanceof Tuple tuple) {
      items(out, budget, tuple.items(), "(", tuple.items().size() == 1 ? ",)" : ")");
    } else if (value instanceof Map<?, ?> map) {
      String before = "{";
      for (Map.Entry<?, ?> member : map.entrySet()) {
        out.append(before);
        repr(out, budget, member.getKey());
        out.append(": ");
        repr(out, budget, member.getValue());
        before = ", ";
      }
      out.append(map.isEmpty() ? "{}" : "}");
    } else {
      throw TemplateException.failed(
          "a " + Values.typeName(value) + " is printed, which has no text of its own");
    }
    budget.leave();
  }

  private static void items(
      TextBuilder out, Budget budget, List<?> items, String open, String close) {
    out.append(open);
    boolean first = true;
    for (Object item : items) {
      out.append(first ? "" : ", ");
      repr(out, budget, item);
      first = false;
    }
    out.append(close);
  }

  private static void quote(TextBuilder out, Text text) {
    String chars = text.toString();
    char quote = chars.indexOf('\'') >= 0 && chars.indexOf('"') < 0 ? '"' : '\'';
    out.append(String.valueOf(quote));
    for (int at = 0; at < chars.length(); ) {
      int c = chars.codePointAt(at);
      int end = at + Character.charCount(c);
      if (c == quote || c == '\\') {
        out.append("\\" + Character.toString(c), text.isGiven(at));
      } else if (isPrintable(c)) {
        out.append(text, at, end);
      } else {
        out.append(escape(c), text.isGiven(at));
      }
      at = end;
    }
    out.append(String.valueOf(quote));
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  private static String escape(int c) {
    return switch (c) {
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      default ->
          String.format(
              Locale.ROOT, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    };
  }

  /** The shortest decimal that is read back as the same number, as Python writes it. */
  static String number(double number) {
    if (Double.isNaN(number)) {
      return "nan";
    } else if (Double.isInfinite(number)) {
      return number > 0 ? "inf" : "-inf";
    } else if (number == 0) {
      return 1 / number < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(number);
    BigDecimal shortest = exact;
    for (int digits = 1; digits <= 17; digits++) {
      shortest = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
      if (shortest.doubleValue() == number) {
        break;
      }
    }
    shortest = shortest.stripTrailingZeros();
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = shortest.toPlainString();
      return plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }
    String digits = shortest.unscaledValue().abs().toString();
    return (number < 0 ? "-" : "")
        + digits.charAt(0)
        + (digits.length() > 1 ? "." + digits.substring(1) : "")
        + String.format(Locale.ROOT, "e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
  }
}
