package dev.baichuan4j.internal.jinja;

import dev.baichuan4j.internal.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Splits a template into tokens. Blank space goes as {@code trim_blocks} and {@code lstrip_blocks}
 * have it: a statement or comment takes the line break behind it and the blanks before it on its
 * line, and a {@code -} takes all blank space on its side.
 */
final class Lexer {
  private static final String NUMERAL = "[0-9](?:_?[0-9])*";
  private static final Pattern FLOAT =
      Pattern.compile(
          NUMERAL + "(?:\\." + NUMERAL + ")?[eE][+-]?" + NUMERAL + "|" + NUMERAL + "\\." + NUMERAL);
  private static final Pattern INTEGER = Pattern.compile(NUMERAL);
  private static final Pattern RADIX =
      Pattern.compile("0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+");
  private static final Pattern NAME =
      Pattern.compile("[_\\p{L}\\p{Nl}][_\\p{L}\\p{Nl}\\p{Mn}\\p{Mc}\\p{Nd}\\p{Pc}]*");
  private static final Pattern OPERATOR =
      Pattern.compile("//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}><=.:|,;]");
  private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*raw\\s*(-?)%}");
  private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%}");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private String found = ""; // by the last pattern
  private int line = 1;
  private int counted; // up to where line breaks are counted
  private boolean atLineStart = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    return new Lexer(source).run();
  }

  private List<Token> run() {
    while (at < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        add(Kind.DATA, source.substring(at));
        at = source.length();
        break;
      }
      data(tag);
      at = tag;
      switch (source.charAt(tag + 1)) {
        case '#' -> comment();
        case '{' -> expression(Kind.PRINT, "}}");
        default -> {
          if (!raw()) {
            expression(Kind.TAG, "%}");
          }
        }
      }
    }
    add(Kind.EOF, "");
    return tokens;
  }

  private int nextTag() {
    for (int i = source.indexOf('{', at); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "#{%".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /** Adds the text up to a tag, without the blank space that the tag takes. */
  private void data(int tag) {
    char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
    boolean strips = source.charAt(tag + 1) != '{';
    int end = strippedEnd(at, tag, sign, strips);
    if (end > at) {
      add(Kind.DATA, source.substring(at, end));
    }
  }

  private int strippedEnd(int begin, int tag, char sign, boolean strips) {
    int end = tag;
    if (sign == '-') {
      while (end > begin && Blanks.isBlank(source.charAt(end - 1))) {
        end--;
      }
    } else if (sign != '+' && strips) {
      int start = source.lastIndexOf('\n', tag - 1) + 1;
      if (start > begin || (start <= begin && atLineStart)) {
        int from = Math.max(start, begin);
        int i = tag;
        while (i > from && Blanks.isBlank(source.charAt(i - 1))) {
          i--;
        }
        if (i == from) {
          end = from;
        }
      }
    }
    return end;
  }

  private void comment() {
    int end = source.indexOf("#}", at + 2);
    if (end < 0) {
      throw TemplateException.syntax(lineOf(at), "a comment without an end, expected #}");
    }
    closeTag(end + 2, source.charAt(end - 1), true);
  }

  /** Goes behind the end of a tag, and behind the blank space that it takes. */
  private void closeTag(int end, char sign, boolean trims) {
    int from = end;
    if (sign == '-') {
      while (end < source.length() && Blanks.isBlank(source.charAt(end))) {
        end++;
      }
    } else if (sign != '+' && trims && end < source.length() && source.charAt(end) == '\n') {
      end++;
    }
    at = end;
    atLineStart = end > from && source.charAt(end - 1) == '\n';
  }

  private boolean raw() {
    Matcher begin = RAW.matcher(source).region(at, source.length());
    if (!begin.lookingAt()) {
      return false;
    }
    closeTag(begin.end(), begin.group(1).isEmpty() ? '+' : '-', false);
    Matcher end = END_RAW.matcher(source);
    if (!end.find(at)) {
      throw TemplateException.syntax(lineOf(begin.start()), "raw without endraw");
    }
    char before = end.group(1).isEmpty() ? ' ' : end.group(1).charAt(0);
    int dataEnd = strippedEnd(at, end.start(), before, true);
    add(Kind.DATA, source.substring(at, dataEnd));
    closeTag(end.end(), end.group(2).isEmpty() ? ' ' : end.group(2).charAt(0), true);
    return true;
  }

  private void expression(Kind kind, String close) {
    int begin = at;
    add(kind, "");
    at += 2;
    if (at < source.length() && "-+".indexOf(source.charAt(at)) >= 0) {
      at++;
    }
    Deque<Character> open = new ArrayDeque<>();
    while (true) {
      while (at < source.length() && Blanks.isBlank(source.charAt(at))) {
        at++;
      }
      if (at == source.length()) {
        throw TemplateException.syntax(lineOf(begin), "a tag without an end, expected " + close);
      }
      char c = source.charAt(at);
      if (open.isEmpty()) {
        boolean signed = c == '-' || (c == '+' && kind == Kind.TAG);
        if (source.startsWith(close, signed ? at + 1 : at)) {
          add(Kind.END, close);
          closeTag(at + close.length() + (signed ? 1 : 0), signed ? c : ' ', kind == Kind.TAG);
          return;
        }
      }
      token(c, open);
    }
  }

  private void token(char c, Deque<Character> open) {
    if (c == '"' || c == '\'') {
      string(c);
    } else if (isNext(FLOAT)) {
      add(Kind.FLOAT, Double.valueOf(found.replace("_", "")));
      at += found.length();
    } else if (isNext(RADIX)) {
      char base = Character.toLowerCase(found.charAt(1));
      integer(found.substring(2), base == 'x' ? 16 : base == 'o' ? 8 : 2);
    } else if (isNext(INTEGER)) {
      integer(found, 10);
    } else if (isNext(NAME)) {
      add(Kind.NAME, found);
      at += found.length();
    } else if (isNext(OPERATOR)) {
      balance(found, open);
      add(Kind.OPERATOR, found);
      at += found.length();
    } else {
      throw TemplateException.syntax(lineOf(at), "character '" + c + "', expected an expression");
    }
  }

  private boolean isNext(Pattern pattern) {
    Matcher matcher = pattern.matcher(source).region(at, source.length());
    boolean is = matcher.lookingAt();
    found = is ? matcher.group() : "";
    return is;
  }

  private void integer(String digits, int radix) {
    try {
      add(Kind.INTEGER, Long.valueOf(digits.replace("_", ""), radix));
    } catch (NumberFormatException e) {
      throw TemplateException.syntax(
          lineOf(at), "integer " + found + ", expected one of 64 bits at most");
    }
    at += found.length();
  }

  private void balance(String operator, Deque<Character> open) {
    char c = operator.charAt(0);
    if ("([{".indexOf(c) >= 0) {
      open.push(")]}".charAt("([{".indexOf(c)));
    } else if (")]}".indexOf(c) >= 0 && (open.isEmpty() || open.pop() != c)) {
      throw TemplateException.syntax(lineOf(at), "'" + c + "' that closes nothing");
    }
  }

  private void string(char quote) {
    int end = at + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw TemplateException.syntax(lineOf(at), "a string without an end");
    }
    add(Kind.STRING, Escapes.read(source.substring(at + 1, end), lineOf(at)));
    at = end + 1;
  }

  private void add(Kind kind, Object value) {
    tokens.add(new Token(kind, value, lineOf(at)));
  }

  private int lineOf(int offset) {
    for (; counted < offset; counted++) {
      if (source.charAt(counted) == '\n') {
        line++;
      }
    }
    return line;
  }
}
