package dev.baichuan4j.internal.engine.constrain;

import dev.baichuan4j.InvalidRequestException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;

/** Reads escapes and classes of characters in a regular expression. */
final class ClassParser {
  /** Every character that ends no line. */
  static final CodePoints DOT = CodePoints.of("\n\r\u2028\u2029").complement();

  private static final CodePoints DIGITS = CodePoints.range('0', '9');
  private static final CodePoints WORD =
      DIGITS
          .union(CodePoints.range('A', 'Z'))
          .union(CodePoints.range('a', 'z'))
          .union(CodePoints.of("_"));
  private static final CodePoints SPACE =
      CodePoints.of("\t\n\u000B\f\r \u00A0\u1680\u2028\u2029\u202F\u205F\u3000\uFEFF")
          .union(CodePoints.range(0x2000, 0x200A));

  /** The general categories of Unicode, by their short names. */
  private static final Map<String, Integer> CATEGORIES =
      Map.ofEntries(
          Map.entry("Cc", (int) Character.CONTROL),
          Map.entry("Cf", (int) Character.FORMAT),
          Map.entry("Cn", (int) Character.UNASSIGNED),
          Map.entry("Co", (int) Character.PRIVATE_USE),
          Map.entry("Ll", (int) Character.LOWERCASE_LETTER),
          Map.entry("Lm", (int) Character.MODIFIER_LETTER),
          Map.entry("Lo", (int) Character.OTHER_LETTER),
          Map.entry("Lt", (int) Character.TITLECASE_LETTER),
          Map.entry("Lu", (int) Character.UPPERCASE_LETTER),
          Map.entry("Mc", (int) Character.COMBINING_SPACING_MARK),
          Map.entry("Me", (int) Character.ENCLOSING_MARK),
          Map.entry("Mn", (int) Character.NON_SPACING_MARK),
          Map.entry("Nd", (int) Character.DECIMAL_DIGIT_NUMBER),
          Map.entry("Nl", (int) Character.LETTER_NUMBER),
          Map.entry("No", (int) Character.OTHER_NUMBER),
          Map.entry("Pc", (int) Character.CONNECTOR_PUNCTUATION),
          Map.entry("Pd", (int) Character.DASH_PUNCTUATION),
          Map.entry("Pe", (int) Character.END_PUNCTUATION),
          Map.entry("Pf", (int) Character.FINAL_QUOTE_PUNCTUATION),
          Map.entry("Pi", (int) Character.INITIAL_QUOTE_PUNCTUATION),
          Map.entry("Po", (int) Character.OTHER_PUNCTUATION),
          Map.entry("Ps", (int) Character.START_PUNCTUATION),
          Map.entry("Sc", (int) Character.CURRENCY_SYMBOL),
          Map.entry("Sk", (int) Character.MODIFIER_SYMBOL),
          Map.entry("Sm", (int) Character.MATH_SYMBOL),
          Map.entry("So", (int) Character.OTHER_SYMBOL),
          Map.entry("Zl", (int) Character.LINE_SEPARATOR),
          Map.entry("Zp", (int) Character.PARAGRAPH_SEPARATOR),
          Map.entry("Zs", (int) Character.SPACE_SEPARATOR));

  /** The long names of the groups of categories. */
  private static final Map<String, String> GROUPS =
      Map.of(
          "Letter", "L",
          "Mark", "M",
          "Number", "N",
          "Punctuation", "P",
          "punct", "P",
          "Symbol", "S",
          "Separator", "Z",
          "Other", "C");

  private static final Map<String, IntPredicate> PROPERTIES =
      Map.of(
          "Any", c -> true,
          "ASCII", c -> c < 0x80,
          "Alphabetic", Character::isAlphabetic,
          "Lowercase", Character::isLowerCase,
          "Uppercase", Character::isUpperCase,
          "Ideographic", Character::isIdeographic,
          "White_Space", c -> SPACE.contains(c) && c != 0xFEFF || c == 0x85,
          "ID_Start", Character::isUnicodeIdentifierStart,
          "ID_Continue",
              c -> Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c));

  private static final Map<String, CodePoints> KNOWN = new ConcurrentHashMap<>();

  private final String pattern;
  private int at;

  ClassParser(String pattern, int at) {
    this.pattern = pattern;
    this.at = at;
  }

  /**
   * Reads a class in brackets or an escaped one.
   *
   * @param end takes the place behind it
   */
  CodePoints set(IntConsumer end) {
    CodePoints set = pattern.charAt(at) == '[' ? brackets() : escapedSet();
    end.accept(at);
    return set;
  }

  /**
   * Reads the escape of one character.
   *
   * @param end takes the place behind it
   * @return -1 if this is the escape of a class of characters, and then nothing is read
   */
  int escapedCharacter(IntConsumer end) {
    if (at + 1 < pattern.length() && "dDwWsSpP".indexOf(pattern.charAt(at + 1)) >= 0) {
      return -1;
    }
    int c = escape(false);
    end.accept(at);
    return c;
  }

  private CodePoints brackets() {
    int open = at++;
    boolean negated = at < pattern.length() && pattern.charAt(at) == '^';
    at += negated ? 1 : 0;
    CodePoints set = CodePoints.NONE;
    while (true) {
      if (at >= pattern.length()) {
        throw RegexParser.refuse(pattern, open, "\"]\" for this class", "none");
      }
      if (pattern.charAt(at) == ']') {
        at++;
        return negated ? set.complement() : set;
      }
      int from = at;
      CodePoints part = member();
      if (rangeFollows()) {
        at++;
        CodePoints last = member();
        if (part.size() != 1 || last.size() != 1 || last.first(0) < part.first(0)) {
          throw RegexParser.refuse(
              pattern,
              from,
              "a range of two characters that ascend",
              "\"" + pattern.substring(from, at) + "\"");
        }
        part = CodePoints.range(part.first(0), last.first(0));
      }
      set = set.union(part);
    }
  }

  private boolean rangeFollows() {
    return at + 1 < pattern.length() && pattern.charAt(at) == '-' && pattern.charAt(at + 1) != ']';
  }

  private CodePoints member() {
    int c = pattern.codePointAt(at);
    if (c == '\\') {
      if (at + 1 < pattern.length() && "dDwWsSpP".indexOf(pattern.charAt(at + 1)) >= 0) {
        return escapedSet();
      }
      c = escape(true);
    } else {
      at += Character.charCount(c);
    }
    if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
      throw RegexParser.refuse(pattern, at, "whole characters", "half of a surrogate pair");
    }
    return CodePoints.range(c, c);
  }

  private CodePoints escapedSet() {
    char c = pattern.charAt(at + 1);
    at += 2;
    return switch (c) {
      case 'd' -> DIGITS;
      case 'D' -> DIGITS.complement();
      case 'w' -> WORD;
      case 'W' -> WORD.complement();
      case 's' -> SPACE;
      case 'S' -> SPACE.complement();
      case 'p' -> property();
      default -> property().complement();
    };
  }

  private CodePoints property() {
    int end = pattern.indexOf('}', at);
    if (at >= pattern.length() || pattern.charAt(at) != '{' || end < 0) {
      throw RegexParser.refuse(pattern, at, "{property} behind \\p", "something else");
    }
    String name = pattern.substring(at + 1, end);
    CodePoints set = KNOWN.get(name);
    if (set == null) {
      set =
          predicate(name)
              .map(CodePoints::where)
              .orElseThrow(
                  () ->
                      RegexParser.refuse(
                          pattern,
                          at,
                          "a general category, Script=name or one of "
                              + PROPERTIES.keySet().stream().sorted().toList(),
                          "the property " + name));
      KNOWN.put(name, set);
    }
    at = end + 1;
    return set;
  }

  private static Optional<IntPredicate> predicate(String name) {
    int equals = name.indexOf('=');
    if (equals >= 0) {
      String value = name.substring(equals + 1);
      return switch (name.substring(0, equals)) {
        case "General_Category", "gc" -> category(value);
        case "Script", "sc", "Script_Extensions", "scx" -> script(value);
        default -> Optional.empty();
      };
    }
    return Optional.ofNullable(PROPERTIES.get(name)).or(() -> category(name));
  }

  private static Optional<IntPredicate> category(String name) {
    String shortName = GROUPS.getOrDefault(name, name);
    int types = 0; // a bit for each type of java.lang.Character
    for (Map.Entry<String, Integer> category : CATEGORIES.entrySet()) {
      boolean cased = shortName.equals("LC") && category.getKey().matches("L[ltu]");
      boolean inGroup = shortName.length() == 1 && category.getKey().startsWith(shortName);
      if (cased || inGroup || category.getKey().equals(shortName)) {
        types |= 1 << category.getValue();
      }
    }
    int wanted = types;
    return types == 0
        ? Optional.empty()
        : Optional.of(c -> (wanted >>> Character.getType(c) & 1) != 0);
  }

  private static Optional<IntPredicate> script(String name) {
    try {
      Character.UnicodeScript script = Character.UnicodeScript.forName(name);
      return Optional.of(c -> Character.UnicodeScript.of(c) == script);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Reads the escape of one character. */
  private int escape(boolean inClass) {
    int from = at++;
    if (at >= pattern.length()) {
      throw RegexParser.refuse(pattern, from, "a character behind \\", "the end");
    }
    char c = pattern.charAt(at++);
    switch (c) {
      case 't' -> {
        return '\t';
      }
      case 'n' -> {
        return '\n';
      }
      case 'v' -> {
        return 0x0B;
      }
      case 'f' -> {
        return '\f';
      }
      case 'r' -> {
        return '\r';
      }
      case 'c' -> {
        if (at < pattern.length() && Character.toString(pattern.charAt(at)).matches("[A-Za-z]")) {
          return pattern.charAt(at++) % 32;
        }
      }
      case '0' -> {
        if (at >= pattern.length() || pattern.charAt(at) < '0' || pattern.charAt(at) > '9') {
          return 0;
        }
      }
      case 'b' -> {
        if (inClass) {
          return '\b';
        }
      }
      case 'x' -> {
        return hex(from, 2);
      }
      case 'u' -> {
        return unicode(from);
      }
      default -> {
        boolean letter = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
        if (!letter) {
          at--;
          int self = pattern.codePointAt(at);
          at += Character.charCount(self);
          return self;
        }
      }
    }
    throw refuseEscape(from, c);
  }

  private InvalidRequestException refuseEscape(int from, char c) {
    String expected =
        switch (c) {
          case 'b', 'B' -> "no boundary of words";
          case 'k', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> "no backreference";
          case 'A', 'Z', 'z' -> "^ or $";
          default -> "an escape of ECMA-262";
        };
    return RegexParser.refuse(pattern, from, expected, "\"\\" + c + "\"");
  }

  private int unicode(int from) {
    if (at < pattern.length() && pattern.charAt(at) == '{') {
      int end = pattern.indexOf('}', at);
      if (end > at + 1 && end <= at + 7) {
        int digits = end - at - 1;
        at++;
        int c = hex(from, digits);
        at++;
        if (c <= Character.MAX_CODE_POINT) {
          return c;
        }
      }
      throw RegexParser.refuse(pattern, from, "\\u{0} to \\u{10FFFF}", "something else");
    }
    int c = hex(from, 4);
    if (Character.isHighSurrogate((char) c) && pattern.startsWith("\\u", at)) {
      int before = at;
      at += 2;
      int low = hex(from, 4);
      if (Character.isLowSurrogate((char) low)) {
        return Character.toCodePoint((char) c, (char) low);
      }
      at = before;
    }
    if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
      throw RegexParser.refuse(pattern, from, "whole characters", "half of a surrogate pair");
    }
    return c;
  }

  private int hex(int from, int digits) {
    int value = 0;
    for (int i = 0; i < digits; i++) {
      int digit = at < pattern.length() ? Character.digit(pattern.charAt(at), 16) : -1;
      if (digit < 0) {
        throw RegexParser.refuse(
            pattern, from, digits + " hexadecimal digits", "fewer in an escape");
      }
      value = value << 4 | digit;
      at++;
    }
    return value;
  }
}
