package dev.baichuan4j.internal.jinja;

import dev.baichuan4j.internal.jinja.Token.Kind;
import java.util.List;

/** The tokens of a template, one after the other, and how deep the parser is in it. */
final class TokenStream {
  /** Each level is about ten calls. */
  private static final int DEPTH = 100;

  private final List<Token> tokens;
  private int at;
  private int depth;

  TokenStream(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return peek(0);
  }

  /** Returns a token ahead; behind the last one, which is the end, there are more of it. */
  Token peek(int ahead) {
    return tokens.get(Math.min(at + ahead, tokens.size() - 1));
  }

  Token next() {
    Token token = peek();
    at++;
    return token;
  }

  /** Takes back the token that was read last. */
  void back() {
    at--;
  }

  int position() {
    return at;
  }

  /** Whether a name stands between a position and the next token. */
  boolean hasName(int from, String name) {
    return tokens.subList(from, at).stream().anyMatch(token -> token.isName(name));
  }

  boolean isAnyName(String... names) {
    for (String name : names) {
      if (peek().isName(name)) {
        return true;
      }
    }
    return false;
  }

  boolean skip(String operator) {
    boolean is = peek().isOperator(operator);
    if (is) {
      next();
    }
    return is;
  }

  boolean skipName(String name) {
    boolean is = peek().isName(name);
    if (is) {
      next();
    }
    return is;
  }

  void expect(String operator) {
    if (!skip(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  void expectName(String name) {
    if (!skipName(name)) {
      throw unexpected("'" + name + "'");
    }
  }

  void expectEnd() {
    if (peek().kind() != Kind.END) {
      throw unexpected("the end of the tag");
    }
    next();
  }

  String name() {
    if (peek().kind() != Kind.NAME) {
      throw unexpected("a name");
    }
    return (String) next().value();
  }

  TemplateException unexpected(String expected) {
    return TemplateException.syntax(
        peek().line(), peek().describe() + " where " + expected + " is expected");
  }

  void enter() {
    if (++depth > DEPTH) {
      throw TemplateException.syntax(peek().line(), "nesting deeper than " + DEPTH);
    }
  }

  void leave() {
    depth--;
  }
}
