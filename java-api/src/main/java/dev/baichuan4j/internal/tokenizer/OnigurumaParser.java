package dev.baichuan4j.internal.tokenizer;

import java.lang.Character.UnicodeScript;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Writes a regular expression of Oniguruma, with Ruby's syntax on UTF-8 as Hugging Face's
 * tokenizers use it, as one of Java that matches the same. What could mean something else in Java
 * is spelled out ({@code \s}, {@code \d}, {@code \w}, {@code .}), and what is not known here is
 * refused.
 *
 * <p>A repeat without a limit of its own is taken on single characters alone, so that matching
 * recurses as deep as the expression and not as the text. An expression that matches the empty text
 * is refused too: it would cut everywhere. So is a group that matches it in more than one way:
 * forty of them in a row have 2^40 ways, none of which reads the text, so that nothing would bound
 * them.
 *
 * <p>Source: doc/RE of Oniguruma 6.9, ONIG_SYNTAX_RUBY.
 */
final class OnigurumaParser {
  /** An expression that cannot be taken over; the message says what in it is at fault. */
  static final class UnsupportedExpression extends Exception {
    private static final long serialVersionUID = 1L;

    UnsupportedExpression(String found) {
      super(found);
    }
  }

  /** Nested groups of the published expressions: two. */
  private static final int MAX_DEPTH = 32;

  private static final int MAX_LENGTH = 1 << 14;
  private static final int MAX_REPEATS = 1000;

  private static final Set<String> CATEGORIES =
      Set.of(
          "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P",
          "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl",
          "Zp", "C", "Cc", "Cf", "Co");

  private static final String SPACE = "\\p{IsWhite_Space}";
  private static final String WORD = "\\p{L}\\p{M}\\p{Nd}\\p{Pc}";

  /** Ignoring case, Oniguruma takes one character (ligatures, sharp s) for these two. */
  private static final Pattern FOLDED_TOGETHER = Pattern.compile("(?i)s[st]|f[fil]");

  private final String source;
  private final StringBuilder java = new StringBuilder();
  private int at;
  private int depth;

  private OnigurumaParser(String source) {
    this.source = source;
  }

  /**
   * Translates an expression.
   *
   * @throws UnsupportedExpression if it is malformed, or cannot be taken over
   */
  static Pattern parse(String expression) throws UnsupportedExpression {
    if (expression.length() > MAX_LENGTH) {
      throw new UnsupportedExpression("more than " + MAX_LENGTH + " characters");
    }
    OnigurumaParser parser = new OnigurumaParser(expression);
    boolean empty = parser.alternatives();
    if (parser.at < expression.length()) {
      throw parser.unsupported("a closing parenthesis too many");
    }
    if (empty) {
      throw new UnsupportedExpression("an expression that matches the empty text");
    }
    return Pattern.compile(parser.java.toString());
  }

  private UnsupportedExpression unsupported(String what) {
    return new UnsupportedExpression(what + " at character " + at);
  }

  private boolean more() {
    return at < source.length();
  }

  private boolean next(String text) {
    if (!source.startsWith(text, at)) {
      return false;
    }
    at += text.length();
    return true;
  }

  /** Reads alternatives; returns whether one of them matches the empty text. */
  private boolean alternatives() throws UnsupportedExpression {
    if (++depth > MAX_DEPTH) {
      throw unsupported("groups nested deeper than " + MAX_DEPTH);
    }
    boolean empty = sequence();
    while (next("|")) {
      java.append('|');
      boolean another = sequence();
      if (empty && another) {
        throw unsupported("two alternatives that match the empty text, before that,");
      }
      empty |= another;
    }
    depth--;
    return empty;
  }

  private boolean sequence() throws UnsupportedExpression {
    boolean empty = true;
    while (more() && source.charAt(at) != '|' && source.charAt(at) != ')') {
      empty &= repeated();
    }
    return empty;
  }

  /** Reads an atom and its repeat; returns whether it matches the empty text. */
  private boolean repeated() throws UnsupportedExpression {
    int start = at;
    if (source.charAt(at) == '(') {
      boolean look = source.startsWith("(?=", at) || source.startsWith("(?!", at);
      boolean empty = group();
      if (next("?") && !look) {
        if (empty) {
          throw unsupported("an optional group that matches the empty text, before that,");
        }
        java.append('?');
        suffix(true);
        empty = true;
      }
      refuseRepeat(look ? "a repeat of a look-ahead" : "a repeat of a group");
      return look || empty;
    }
    if (next("^") || next("$")) {
      java.append("(?md:").append(source, start, at).append(')');
      refuseRepeat("a repeat of an anchor");
      return true;
    }
    character();
    return repeat();
  }

  private void refuseRepeat(String what) throws UnsupportedExpression {
    if (more() && ("*+?".indexOf(source.charAt(at)) >= 0 || interval() != null)) {
      throw unsupported(what);
    }
  }

  private boolean group() throws UnsupportedExpression {
    boolean ignoresCase = false;
    int start = at;
    if (next("(?:") || next("(?=") || next("(?!") || next("(?>")) {
      java.append(source, start, at);
    } else if (next("(?i:")) {
      ignoresCase = true;
      java.append("(?iu:");
    } else if (next("(?")) {
      throw unsupported("a group that begins with (?");
    } else {
      at++;
      java.append("(?:");
    }
    int content = at;
    boolean empty = alternatives();
    if (ignoresCase) {
      refuseFolding(source.substring(content, at));
    }
    if (!next(")")) {
      throw unsupported("no closing parenthesis");
    }
    java.append(')');
    return empty;
  }

  private void refuseFolding(String content) throws UnsupportedExpression {
    if (FOLDED_TOGETHER.matcher(content).find() || content.chars().anyMatch(c -> c > 0x7F)) {
      throw unsupported("letters without case that one character can stand for, before that,");
    }
  }

  /** Reads what may follow a single character; returns whether that may then be absent. */
  private boolean repeat() throws UnsupportedExpression {
    if (!more()) {
      return false;
    }
    char sign = source.charAt(at);
    int[] bounds = interval();
    if (bounds == null && "*+?".indexOf(sign) < 0) {
      return false;
    }
    if (bounds == null) {
      at++;
      java.append(sign);
      suffix(true);
    } else {
      at = bounds[2];
      if (next("+")) { // in Ruby a repeat of the repeat
        if (bounds[0] != 1) {
          throw unsupported("a repeat of an interval");
        }
        java.append('+');
      } else {
        java.append('{').append(bounds[0]).append(',');
        java.append(bounds[1] < 0 ? "" : bounds[1]).append('}');
        if (bounds[0] == bounds[1] && more() && source.charAt(at) == '?') {
          throw unsupported("an interval of one length with ?");
        }
        suffix(false);
      }
    }
    refuseRepeat("a repeat of a repeat");
    return bounds == null ? sign != '+' : bounds[0] == 0;
  }

  private void suffix(boolean possessive) {
    if (next("?")) {
      java.append('?');
    } else if (possessive && next("+")) {
      java.append('+');
    }
  }

  /** What an interval at this place says: least, most or -1, its end; null where none is. */
  private int[] interval() throws UnsupportedExpression {
    var matcher =
        Pattern.compile("\\{([0-9]{1,4})?(,)?([0-9]{1,4})?}")
            .matcher(source)
            .region(at, source.length());
    if (!matcher.lookingAt() || matcher.group(1) == null && matcher.group(3) == null) {
      return null; // a brace
    }
    int least = matcher.group(1) == null ? 0 : Integer.parseInt(matcher.group(1));
    int most =
        matcher.group(2) == null
            ? least
            : matcher.group(3) == null ? -1 : Integer.parseInt(matcher.group(3));
    if (least > MAX_REPEATS || most > MAX_REPEATS || most >= 0 && most < least) {
      throw unsupported("an interval that is not 0 to " + MAX_REPEATS + " in order");
    }
    return new int[] {least, most, matcher.end()};
  }

  /** Reads what matches one character. */
  private void character() throws UnsupportedExpression {
    int c = source.codePointAt(at);
    if (c == '[') {
      at++;
      characterClass();
    } else if (c == '\\') {
      at++;
      escape(false);
    } else if (c == '.') {
      at++;
      java.append("[^\\n]");
    } else if (c == '*' || c == '+' || c == '?') {
      throw unsupported("a repeat of nothing");
    } else {
      at += Character.charCount(c);
      literal(c);
    }
  }

  private void literal(int c) {
    boolean sign = c < 0x80 && !Character.isLetterOrDigit(c) && c > ' ';
    java.append(sign ? "\\" : "").appendCodePoint(c);
  }

  private void characterClass() throws UnsupportedExpression {
    if (++depth > MAX_DEPTH) {
      throw unsupported("classes nested deeper than " + MAX_DEPTH);
    }
    boolean negated = next("^");
    java.append(negated ? "[^" : "[");
    if (source.startsWith("]", at) || source.startsWith("&&", at)) {
      throw unsupported("an empty class");
    }
    while (!next("]")) {
      if (!more()) {
        throw unsupported("no closing bracket");
      }
      if (source.startsWith("[:", at) || negated && source.startsWith("[", at)) {
        throw unsupported("a class within a class");
      }
      if (next("&&")) {
        if (negated || source.startsWith("]", at)) {
          throw unsupported("an intersection within a negated class, or with nothing,");
        }
        java.append("&&");
      } else if (next("[")) {
        characterClass();
      } else {
        member();
      }
    }
    java.append(']');
    depth--;
  }

  /** Reads a character or a range of a class. */
  private void member() throws UnsupportedExpression {
    int first = memberCharacter();
    boolean range = first >= 0 && source.startsWith("-", at) && !source.startsWith("-]", at);
    if (!range) {
      return;
    }
    at++;
    java.append('-');
    if (source.startsWith("[", at) || source.startsWith("&&", at) || !more()) {
      throw unsupported("a range without an end");
    }
    int last = memberCharacter();
    if (last < first) {
      throw unsupported("a range that is not in order");
    }
  }

  /** Reads a character of a class and returns it, or -1 for a set of characters. */
  private int memberCharacter() throws UnsupportedExpression {
    int c = source.codePointAt(at);
    at += Character.charCount(c);
    if (c == '\\') {
      return escape(true);
    }
    literal(c);
    return c;
  }

  /** Reads what follows a backslash and returns the character, or -1 for a set of characters. */
  private int escape(boolean inClass) throws UnsupportedExpression {
    if (!more()) {
      throw unsupported("a backslash with nothing behind it");
    }
    int c = source.codePointAt(at);
    at += Character.charCount(c);
    switch (c) {
      case 's' -> java.append(SPACE);
      case 'S' -> java.append(SPACE.replace("\\p", "\\P"));
      case 'd' -> java.append("\\p{Nd}");
      case 'D' -> java.append("\\P{Nd}");
      case 'w' -> java.append(inClass ? WORD : "[" + WORD + "]");
      case 'p', 'P' -> property(c == 'P');
      default -> {
        int value = escaped(c);
        java.append("\\x{").append(Integer.toHexString(value)).append('}');
        return value;
      }
    }
    return -1;
  }

  private int escaped(int c) throws UnsupportedExpression {
    return switch (c) {
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'f' -> '\f';
      case 'v' -> 0x0B;
      case 'a' -> 0x07;
      case 'e' -> 0x1B;
      case 'x' -> next("{") ? hex(1, 8, "}") : hex(1, 2, "");
      case 'u' -> hex(4, 4, "");
      default -> {
        if (c >= 0x80 || Character.isLetterOrDigit(c)) {
          throw unsupported("\\" + Character.toString(c) + ", before that,");
        }
        yield c;
      }
    };
  }

  private int hex(int least, int most, String end) throws UnsupportedExpression {
    int start = at;
    while (at - start < most && more() && Character.digit(source.charAt(at), 16) >= 0) {
      at++;
    }
    int digits = at - start;
    if (digits < least || !next(end)) {
      throw unsupported("a hexadecimal number that is not one");
    }
    long value = Long.parseLong(source, start, start + digits, 16);
    boolean unicode = value <= Character.MAX_CODE_POINT && (value < 0xD800 || value > 0xDFFF);
    if (!unicode || most == 2 && value > 0x7F) { // a byte, not a character
      throw unsupported("a hexadecimal number that is no character");
    }
    return (int) value;
  }

  private void property(boolean negated) throws UnsupportedExpression {
    int end = source.indexOf('}', at);
    if (!next("{") || end < 0) {
      throw unsupported("a property without braces");
    }
    boolean not = negated != next("^");
    String name = source.substring(at, end);
    at = end + 1;
    java.append(not ? "\\P{" : "\\p{");
    if (CATEGORIES.contains(name)) {
      java.append(name);
    } else {
      try {
        java.append("Is").append(UnicodeScript.forName(name).name());
      } catch (IllegalArgumentException e) {
        throw unsupported("the property " + name + ", before that,");
      }
    }
    java.append('}');
  }
}
