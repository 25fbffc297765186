package dev.baichuan4j.internal.engine.constrain;

import dev.baichuan4j.InvalidRequestException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the text form of a grammar.
 *
 * <pre>
 * grammar   rules, one after the other; the text is the rule "root"
 * rule      name ":" choice
 * choice    sequence ("|" sequence)*
 * sequence  repeated*
 * repeated  part ("*" | "+" | "?" | "{" n "}" | "{" n "," "}" | "{" n "," m "}")?
 * part      name | string | "/" regex "/" | "(" choice ")"
 * string    in quotation marks, with the escapes of JSON
 * name      a letter or _, then letters, digits, _ and -
 * comment   from # or // to the end of the line, where a part could begin
 * </pre>
 *
 * <p>A rule ends where the name and the colon of the next one begin. Blank space separates and has
 * no other meaning.
 */
final class GrammarParser {
  private static final String START = "root";
  private static final int MAX_DEPTH = 250;

  private final String text;
  private final Grammar.Builder grammar = new Grammar.Builder();
  private final Map<String, Grammar.Rule> rules = new LinkedHashMap<>();
  private final Map<String, Integer> used = new LinkedHashMap<>(); // where a name is first used
  private final Map<String, Boolean> defined = new HashMap<>();
  private final Map<Regex, Grammar.Terminal> terminals = new HashMap<>();
  private int at;
  private int depth;

  private GrammarParser(String text) {
    this.text = text;
  }

  /**
   * @throws InvalidRequestException if the text is not of this form; the message has the line
   */
  static Grammar parse(String text) {
    return new GrammarParser(text).grammar();
  }

  private Grammar grammar() {
    for (skip(); at < text.length(); skip()) {
      int before = at;
      String name = name();
      skip();
      if (name.isEmpty() || !take(':')) {
        at = before;
        throw refuse("the name of a rule and \":\"", found());
      }
      if (defined.put(name, true) != null) {
        at = before;
        throw refuse("rules of different names", "rule \"" + name + "\" again");
      }
      grammar.define(rule(name), choice());
    }
    for (Map.Entry<String, Integer> use : used.entrySet()) {
      if (!defined.containsKey(use.getKey())) {
        at = use.getValue();
        throw refuse("a rule that is defined", "\"" + use.getKey() + "\"");
      }
    }
    if (!defined.containsKey(START)) {
      throw refuse("a rule \"" + START + "\"", "none");
    }
    return grammar.build(rule(START));
  }

  private Grammar.Rule rule(String name) {
    return rules.computeIfAbsent(name, grammar::rule);
  }

  private Grammar.Expression choice() {
    if (++depth > MAX_DEPTH) {
      throw refuse("parentheses that nest at most " + MAX_DEPTH + " deep", "more");
    }
    List<Grammar.Expression> choices = new ArrayList<>();
    do {
      choices.add(sequence());
    } while (take('|'));
    depth--;
    return choices.size() == 1
        ? choices.get(0)
        : Grammar.Expression.choice(choices.toArray(Grammar.Expression[]::new));
  }

  private Grammar.Expression sequence() {
    List<Grammar.Expression> parts = new ArrayList<>();
    for (skip(); !sequenceEnds(); skip()) {
      parts.add(repeated(part()));
    }
    return parts.size() == 1
        ? parts.get(0)
        : Grammar.Expression.sequence(parts.toArray(Grammar.Expression[]::new));
  }

  private boolean sequenceEnds() {
    if (at >= text.length() || text.charAt(at) == '|' || text.charAt(at) == ')') {
      return true;
    }
    int before = at;
    boolean rule = !name().isEmpty();
    skip();
    rule &= at < text.length() && text.charAt(at) == ':';
    at = before;
    return rule;
  }

  private Grammar.Expression part() {
    char c = text.charAt(at);
    if (c == '"') {
      return terminal(Regex.literal(string()));
    }
    if (c == '/') {
      return terminal(regex());
    }
    if (c == '(') {
      int open = at++;
      Grammar.Expression inner = choice();
      if (!take(')')) {
        String found = found();
        at = open;
        throw refuse("\")\" for this \"(\"", found);
      }
      return inner;
    }
    int before = at;
    String name = name();
    if (name.isEmpty()) {
      throw refuse("a name, a string, /a regex/ or \"(\"", found());
    }
    used.putIfAbsent(name, before);
    return rule(name);
  }

  private Grammar.Expression terminal(Regex regex) {
    return regex == Regex.EMPTY
        ? Grammar.Expression.sequence()
        : terminals.computeIfAbsent(regex, r -> new Grammar.Terminal(r.dfa()));
  }

  private Grammar.Expression repeated(Grammar.Expression part) {
    skip();
    char c = at < text.length() ? text.charAt(at) : ' ';
    switch (c) {
      case '*' -> {
        at++;
        return part.repeat(0, Regex.UNBOUNDED);
      }
      case '+' -> {
        at++;
        return part.repeat(1, Regex.UNBOUNDED);
      }
      case '?' -> {
        at++;
        return part.repeat(0, 1);
      }
      case '{' -> {
        int open = at++;
        skip();
        int min = number();
        skip();
        int max = min;
        if (take(',')) {
          skip();
          boolean bounded = at < text.length() && text.charAt(at) != '}';
          max = bounded ? number() : Regex.UNBOUNDED;
          skip();
        }
        if (!take('}') || max < min) {
          at = open;
          throw refuse("{n}, {n,} or {n,m} that ascends", "another count");
        }
        return part.repeat(min, max);
      }
      default -> {
        return part;
      }
    }
  }

  private int number() {
    int from = at;
    while (at < text.length() && Character.digit(text.charAt(at), 10) >= 0) {
      at++;
    }
    if (at == from || at - from > 9) {
      at = from;
      throw refuse("a count below 1000000000", found());
    }
    return Integer.parseInt(text.substring(from, at));
  }

  private String name() {
    int from = at;
    while (at < text.length() && isNamePart(text.charAt(at), at > from)) {
      at++;
    }
    return text.substring(from, at);
  }

  private static boolean isNamePart(char c, boolean inside) {
    return c == '_' || Character.isLetter(c) || inside && (c == '-' || Character.isDigit(c));
  }

  private Regex regex() {
    int open = at++;
    StringBuilder pattern = new StringBuilder();
    boolean inClass = false;
    while (at < text.length() && text.charAt(at) != '\n') {
      char c = text.charAt(at++);
      if (c == '/' && !inClass) {
        try {
          return Regex.parse(pattern.toString());
        } catch (InvalidRequestException e) {
          at = open;
          throw refuse("a regular expression", "one that is refused (" + e.getMessage() + ")");
        }
      }
      inClass = c == '[' || inClass && c != ']';
      pattern.append(c);
      if (c == '\\' && at < text.length()) {
        pattern.append(text.charAt(at++));
      }
    }
    at = open;
    throw refuse("\"/\" at the end of this regular expression", "none in its line");
  }

  private String string() {
    int open = at++;
    StringBuilder content = new StringBuilder();
    while (at < text.length() && text.charAt(at) != '\n') {
      char c = text.charAt(at++);
      if (c == '"') {
        return content.toString();
      }
      content.append(c == '\\' ? escaped() : c);
    }
    at = open;
    throw refuse("\"\\\"\" at the end of this string", "none in its line");
  }

  private char escaped() {
    char c = at < text.length() ? text.charAt(at++) : '\n';
    switch (c) {
      case '"', '\\', '/' -> {
        return c;
      }
      case 'b' -> {
        return '\b';
      }
      case 'f' -> {
        return '\f';
      }
      case 'n' -> {
        return '\n';
      }
      case 'r' -> {
        return '\r';
      }
      case 't' -> {
        return '\t';
      }
      case 'u' -> {
        int end = Math.min(text.length(), at + 4);
        if (text.substring(at, end).matches("[0-9A-Fa-f]{4}")) {
          at = end;
          return (char) Integer.parseInt(text.substring(end - 4, end), 16);
        }
      }
      default -> {}
    }
    at -= 2;
    throw refuse("an escape of JSON", "\"\\" + c + "\"");
  }

  private boolean take(char c) {
    boolean there = at < text.length() && text.charAt(at) == c;
    at += there ? 1 : 0;
    return there;
  }

  /** Passes over blank space and comments. */
  private void skip() {
    while (at < text.length()) {
      boolean comment = text.charAt(at) == '#' || text.startsWith("//", at);
      if (comment) {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end;
      } else if (Character.isWhitespace(text.charAt(at))) {
        at++;
      } else {
        return;
      }
    }
  }

  private String found() {
    return at < text.length()
        ? "\""
            + text.substring(at, Math.min(text.length(), at + 12)).lines().findFirst().get()
            + "\""
        : "the end";
  }

  private InvalidRequestException refuse(String expected, String found) {
    int line = 1 + (int) text.substring(0, at).chars().filter(c -> c == '\n').count();
    int column = at - text.lastIndexOf('\n', at - 1);
    return new InvalidRequestException(
        "grammar",
        "grammar has %s at line %d, column %d, expected %s"
            .formatted(found, line, column, expected));
  }
}
