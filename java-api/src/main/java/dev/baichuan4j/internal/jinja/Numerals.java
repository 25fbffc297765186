package dev.baichuan4j.internal.jinja;

import java.util.regex.Pattern;

/** Numbers that Python reads from strings. */
final class Numerals {
  private static final Pattern FLOAT =
      Pattern.compile(
          "[+-]?(?:[0-9]+(?:_[0-9]+)*\\.?(?:[0-9]+(?:_[0-9]+)*)?|\\.[0-9]+(?:_[0-9]+)*)"
              + "(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?");
  private static final Pattern DIGITS = Pattern.compile("[+-]?[0-9a-zA-Z]+(?:_[0-9a-zA-Z]+)*");

  private static final int LONGEST = 400;

  private Numerals() {}

  /** Returns the number, or null where the text is none. */
  static Double floating(String text) {
    String numeral = text.strip();
    return numeral.length() <= LONGEST && FLOAT.matcher(numeral).matches()
        ? Double.valueOf(numeral.replace("_", ""))
        : null;
  }

  /** Returns the integer, or null where the text is none. */
  static Long integer(String text, int base) {
    String numeral = text.strip();
    if (base < 2 || base > 36 || numeral.length() > LONGEST || !DIGITS.matcher(numeral).matches()) {
      return null;
    }
    try {
      return Long.valueOf(numeral.replace("_", ""), base);
    } catch (NumberFormatException e) {
      return null;
    }
  }
}
