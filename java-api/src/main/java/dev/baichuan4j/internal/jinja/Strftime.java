package dev.baichuan4j.internal.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** A time as Python's {@code strftime} writes it in the C locale. */
final class Strftime {
  private Strftime() {}

  static Text format(LocalDateTime time, Text format) {
    StringBuilder text = new StringBuilder();
    String s = format.toString();
    for (int i = 0; i < s.length(); i++) {
      char c = s.charAt(i);
      if (c != '%') {
        text.append(c);
        continue;
      }
      i++;
      boolean bare = i < s.length() && s.charAt(i) == '-'; // without leading zeros
      String written = part(time, i + (bare ? 1 : 0) < s.length() ? s.charAt(bare ? ++i : i) : ' ');
      text.append(bare ? written.replaceFirst("^0+(?=.)", "") : written);
    }
    return Text.own(text.toString());
  }

  private static String part(LocalDateTime time, char directive) {
    String pattern =
        switch (directive) {
          case 'a' -> "EEE";
          case 'A' -> "EEEE";
          case 'b', 'h' -> "MMM";
          case 'B' -> "MMMM";
          case 'd' -> "dd";
          case 'D' -> "MM/dd/uu";
          case 'F' -> "uuuu-MM-dd";
          case 'H' -> "HH";
          case 'I' -> "hh";
          case 'j' -> "DDD";
          case 'm' -> "MM";
          case 'M' -> "mm";
          case 'p' -> "a";
          case 'R' -> "HH:mm";
          case 'S' -> "ss";
          case 'T' -> "HH:mm:ss";
          case 'y' -> "uu";
          case 'Y' -> "uuuu";
          case '%' -> "'%'";
          default ->
              throw TemplateException.failed(
                  "directive '%" + directive + "' of a time, expected one of aAbBdDFhHIjmMpRSTyY%");
        };
    return time.format(DateTimeFormatter.ofPattern(pattern, Locale.US));
  }
}
