package dev.baichuan4j.benchmarks;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/** Writes JSON as Python's {@code json.dumps(value, ensure_ascii=False)} does. */
final class PythonJson {
  private PythonJson() {}

  static String write(Object value) {
    StringBuilder out = new StringBuilder();
    write(value, out);
    return out.toString();
  }

  private static void write(Object value, StringBuilder out) {
    if (value instanceof Map<?, ?> map) {
      out.append('{');
      String separator = "";
      for (Map.Entry<?, ?> member : map.entrySet()) {
        out.append(separator);
        writeString((String) member.getKey(), out);
        out.append(": ");
        write(member.getValue(), out);
        separator = ", ";
      }
      out.append('}');
    } else if (value instanceof List<?> list) {
      out.append('[');
      String separator = "";
      for (Object item : list) {
        out.append(separator);
        write(item, out);
        separator = ", ";
      }
      out.append(']');
    } else if (value instanceof String text) {
      writeString(text, out);
    } else if (value instanceof BigDecimal number) {
      out.append(number(number));
    } else {
      out.append(value);
    }
  }

  /** An integer as it is; other numbers as {@code repr(float)}. */
  private static String number(BigDecimal number) {
    if (number.scale() == 0) {
      return number.toPlainString();
    }
    BigDecimal shortest = new BigDecimal(Double.toString(number.doubleValue()));
    BigDecimal digits = shortest.signum() == 0 ? BigDecimal.ZERO : shortest.stripTrailingZeros();
    int exponent = digits.precision() - digits.scale() - 1;
    if (exponent < -4 || exponent >= 16) {
      String mantissa = digits.unscaledValue().toString();
      int first = mantissa.startsWith("-") ? 2 : 1;
      String rest = mantissa.substring(first);
      return mantissa.substring(0, first)
          + (rest.isEmpty() ? "" : "." + rest)
          + "e%s%02d".formatted(exponent < 0 ? "-" : "+", Math.abs(exponent));
    }
    String plain = digits.toPlainString();
    return plain.contains(".") ? plain : plain + ".0";
  }

  private static void writeString(String text, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int escaped = "\"\\\b\f\n\r\t".indexOf(c);
      if (escaped >= 0) {
        out.append('\\').append("\"\\bfnrt".charAt(escaped));
      } else if (c < 0x20) {
        out.append("\\u%04x".formatted((int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }
}
