package dev.baichuan4j.internal.jinja;

import dev.baichuan4j.internal.jinja.Statement.Branch;
import dev.baichuan4j.internal.jinja.Statement.Captured;
import dev.baichuan4j.internal.jinja.Statement.End;
import dev.baichuan4j.internal.jinja.Statement.MacroDefinition;
import dev.baichuan4j.internal.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads the statements of a template. */
final class Parser {
  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private int loops; // around the statement that is read

  private Parser(TokenStream tokens) {
    this.tokens = tokens;
    this.expressions = new ExpressionParser(tokens);
  }

  static List<Statement> parse(String template) {
    Parser parser = new Parser(new TokenStream(Lexer.tokens(template)));
    List<Statement> statements = parser.body();
    if (parser.tokens.peek().kind() != Kind.EOF) {
      throw parser.tokens.unexpected("no end tag without its beginning");
    }
    return statements;
  }

  /** Reads up to one of some tags, whose name is the next token then. */
  private List<Statement> body(String... ends) {
    List<Statement> statements = new ArrayList<>();
    tokens.enter();
    while (true) {
      Token token = tokens.next();
      switch (token.kind()) {
        case DATA ->
            statements.add(new Statement.Data(Text.own((String) token.value()), token.line()));
        case PRINT -> {
          statements.add(new Statement.Print(expressions.tuple(true), token.line()));
          tokens.expectEnd();
        }
        case TAG -> {
          if (tokens.isAnyName(ends)) {
            tokens.leave();
            return List.copyOf(statements);
          }
          statements.add(statement());
        }
        default -> {
          tokens.back();
          if (ends.length > 0) {
            throw tokens.unexpected("'" + String.join("' or '", ends) + "'");
          }
          tokens.leave();
          return List.copyOf(statements);
        }
      }
    }
  }

  private List<Statement> bodyUpTo(String end) {
    tokens.expectEnd();
    List<Statement> body = body(end);
    tokens.next();
    return body;
  }

  private Statement statement() {
    Token tag = tokens.next();
    int line = tag.line();
    String name = tag.kind() == Kind.NAME ? (String) tag.value() : "";
    Statement statement =
        switch (name) {
          case "if" -> conditional(line);
          case "for" -> loop(line);
          case "set" -> set(line);
          case "macro" -> macro(line);
          case "call" -> call(line);
          case "filter" -> filter(line);
          case "with" -> with(line);
          case "generation" -> new Statement.Block(bodyUpTo("endgeneration"), line);
          case "break", "continue" -> jump(name, line);
          default -> {
            tokens.back();
            throw tokens.unexpected("a statement: if, for, set, macro, call, filter, with");
          }
        };
    tokens.expectEnd();
    return statement;
  }

  private Statement conditional(int line) {
    List<Branch> branches = new ArrayList<>();
    while (true) {
      Expression test = expressions.tuple(false);
      tokens.expectEnd();
      branches.add(new Branch(test, body("elif", "else", "endif")));
      Token next = tokens.next();
      if (next.isName("elif")) {
        continue;
      }
      List<Statement> otherwise = next.isName("else") ? bodyUpTo("endif") : List.of();
      return new Statement.If(List.copyOf(branches), otherwise, line);
    }
  }

  private Statement loop(int line) {
    Target target = target(false);
    tokens.expectName("in");
    Expression items = expressions.tuple(false);
    Expression test = tokens.skipName("if") ? expressions.expression() : null;
    boolean isRecursive = tokens.skipName("recursive");
    tokens.expectEnd();
    loops++;
    List<Statement> body = body("else", "endfor");
    loops--;
    List<Statement> otherwise = tokens.next().isName("else") ? bodyUpTo("endfor") : List.of();
    return new Statement.For(target, items, test, body, otherwise, isRecursive, line);
  }

  private Statement jump(String name, int line) {
    if (loops == 0) {
      throw TemplateException.syntax(line, "'" + name + "' outside of a loop");
    }
    return new Statement.Jump(name.equals("break") ? End.BREAK : End.CONTINUE, line);
  }

  private Target target(boolean withFields) {
    List<Target> targets = new ArrayList<>();
    boolean isTuple = false;
    do {
      if (isTuple && !(tokens.peek().kind() == Kind.NAME || tokens.peek().isOperator("("))) {
        break; // behind a comma at the end
      }
      targets.add(oneTarget(withFields));
      isTuple |= tokens.peek().isOperator(",");
    } while (tokens.skip(","));
    return isTuple ? new Target.Several(List.copyOf(targets)) : targets.get(0);
  }

  private Target oneTarget(boolean withFields) {
    if (tokens.skip("(")) {
      tokens.enter();
      Target inner = target(false);
      tokens.leave();
      tokens.expect(")");
      return inner;
    }
    String name = tokens.name();
    if (List.of("true", "false", "none", "True", "False", "None").contains(name)) {
      throw TemplateException.syntax(tokens.peek().line(), "cannot assign to '" + name + "'");
    }
    if (withFields && tokens.skip(".")) {
      return new Target.Field(name, tokens.name());
    }
    return new Target.Name(name);
  }

  private Statement set(int line) {
    Target target = target(true);
    if (tokens.skip("=")) {
      return new Statement.Set(target, expressions.tuple(true), line);
    }
    Expression filtered = expressions.filters(new Expression.Name(Captured.NAME, line));
    return new Statement.SetBlock(target, filtered, new Captured(scoped("endset")), line);
  }

  /** A body from which no jump leads out: what it writes is kept. */
  private List<Statement> scoped(String end) {
    int outer = loops;
    loops = 0;
    List<Statement> body = bodyUpTo(end);
    loops = outer;
    return body;
  }

  private Statement filter(int line) {
    Expression filtered = expressions.filter(new Expression.Name(Captured.NAME, line));
    filtered = expressions.filters(filtered);
    return new Statement.FilterBlock(filtered, new Captured(scoped("endfilter")), line);
  }

  private Statement with(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (tokens.peek().kind() != Kind.END) {
      if (!targets.isEmpty()) {
        tokens.expect(",");
      }
      targets.add(oneTarget(false));
      tokens.expect("=");
      values.add(expressions.expression());
    }
    return new Statement.With(targets, values, bodyUpTo("endwith"), line);
  }

  private Statement macro(int line) {
    String name = tokens.name();
    return withBody(parameters(name, line), "endmacro");
  }

  /** Reads the parameters of a macro, which has no body yet. */
  private MacroDefinition parameters(String name, int line) {
    List<String> parameters = new ArrayList<>();
    List<Optional<Expression>> defaults = new ArrayList<>();
    tokens.expect("(");
    while (!tokens.skip(")")) {
      if (!parameters.isEmpty()) {
        tokens.expect(",");
      }
      parameters.add(tokens.name());
      defaults.add(tokens.skip("=") ? Optional.of(expressions.expression()) : Optional.empty());
    }
    return new MacroDefinition(name, parameters, defaults, false, List.of(), line);
  }

  private MacroDefinition withBody(MacroDefinition head, String end) {
    int first = tokens.position();
    List<Statement> body = scoped(end);
    boolean takesMore = tokens.hasName(first, "varargs") || tokens.hasName(first, "kwargs");
    return new MacroDefinition(
        head.name(), head.parameters(), head.defaults(), takesMore, body, head.line());
  }

  private Statement call(int line) {
    MacroDefinition caller =
        tokens.peek().isOperator("(")
            ? parameters("caller", line)
            : new MacroDefinition("caller", List.of(), List.of(), false, List.of(), line);
    if (!(expressions.postfixed() instanceof Expression.Call call)) {
      throw TemplateException.syntax(line, "'call' without a call");
    }
    return new Statement.CallBlock(
        call.function(), call.parameters(), withBody(caller, "endcall"), line);
  }
}
