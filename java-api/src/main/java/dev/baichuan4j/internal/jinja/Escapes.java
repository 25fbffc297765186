package dev.baichuan4j.internal.jinja;

/** The escapes of a string literal, which are Python's. */
final class Escapes {
  private static final String LETTERS = "abfnrtv\\'\"";
  private static final String MEANINGS = "\u0007\b\f\n\r\t\u000B\\'\"";

  private Escapes() {}

  static String read(String literal, int line) {
    if (literal.indexOf('\\') < 0) {
      return literal;
    }
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < literal.length(); i++) {
      char c = literal.charAt(i);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      char escape = literal.charAt(++i); // the lexer ends no literal behind a backslash
      int letter = LETTERS.indexOf(escape);
      int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : escape == 'U' ? 8 : 0;
      if (letter >= 0) {
        text.append(MEANINGS.charAt(letter));
      } else if (digits > 0) {
        text.appendCodePoint(number(literal, i + 1, i + 1 + digits, 16, line));
        i += digits;
      } else if (escape >= '0' && escape <= '7') {
        int end = i + 1;
        while (end < literal.length()
            && end < i + 3
            && literal.charAt(end) >= '0'
            && literal.charAt(end) <= '7') {
          end++;
        }
        text.appendCodePoint(number(literal, i, end, 8, line));
        i = end - 1;
      } else if (escape == 'N') {
        throw TemplateException.syntax(line, "escape \\N, expected \\u with a number");
      } else if (escape != '\n') {
        text.append('\\').append(escape);
      }
    }
    return text.toString();
  }

  private static int number(String literal, int from, int to, int radix, int line) {
    if (to <= literal.length()) {
      String digits = literal.substring(from, to);
      if (digits.chars().allMatch(c -> Character.digit(c, radix) >= 0 && c < 128)) {
        long value = Long.parseLong(digits, radix);
        if (value <= Character.MAX_CODE_POINT) {
          return (int) value;
        }
      }
    }
    throw TemplateException.syntax(
        line, "an escape that is cut off or too large, expected " + (to - from) + " digits");
  }
}
