package dev.baichuan4j.internal.jinja;

import dev.baichuan4j.internal.jinja.Expression.Parameters;
import dev.baichuan4j.internal.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** Reads expressions, with the precedence that Jinja gives its operators. */
final class ExpressionParser {
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Map<String, Object> CONSTANTS =
      Map.of(
          "true", true, "True", true, "false", false, "False", false, "none", None.NONE, "None",
          None.NONE);

  private final TokenStream tokens;

  ExpressionParser(TokenStream tokens) {
    this.tokens = tokens;
  }

  /** Reads an expression, or several with commas between them, which are a tuple. */
  Expression tuple(boolean conditional) {
    int line = tokens.peek().line();
    List<Expression> items = new ArrayList<>();
    boolean isTuple = false;
    while (!endsTuple()) {
      items.add(conditional ? expression() : or());
      if (!tokens.skip(",")) {
        break;
      }
      isTuple = true;
    }
    if (items.isEmpty()) {
      throw tokens.unexpected("an expression");
    }
    return isTuple ? new Expression.Items(items, true, line) : items.get(0);
  }

  private boolean endsTuple() {
    return tokens.peek().kind() == Kind.END || tokens.peek().isOperator(")");
  }

  Expression expression() {
    tokens.enter();
    Expression value = or();
    while (tokens.peek().isName("if")) {
      int line = tokens.next().line();
      Expression test = or();
      Expression otherwise = tokens.skipName("else") ? expression() : null;
      value = new Expression.Conditional(test, value, otherwise, line);
    }
    tokens.leave();
    return value;
  }

  private Expression or() {
    Expression left = and();
    while (tokens.peek().isName("or")) {
      int line = tokens.next().line();
      left = new Expression.Logical(false, left, and(), line);
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.peek().isName("and")) {
      int line = tokens.next().line();
      left = new Expression.Logical(true, left, not(), line);
    }
    return left;
  }

  private Expression not() {
    if (!tokens.peek().isName("not")) {
      return comparison();
    }
    int line = tokens.next().line();
    tokens.enter();
    Expression operand = not();
    tokens.leave();
    return new Expression.Not(operand, line);
  }

  private Expression comparison() {
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> others = new ArrayList<>();
    int line = tokens.peek().line();
    while (true) {
      Token token = tokens.peek();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.value())) {
        operators.add((String) tokens.next().value());
      } else if (tokens.skipName("in")) {
        operators.add("in");
      } else if (token.isName("not") && tokens.peek(1).isName("in")) {
        tokens.next();
        tokens.next();
        operators.add("not in");
      } else {
        break;
      }
      others.add(sum());
    }
    return operators.isEmpty() ? first : new Expression.Compare(first, operators, others, line);
  }

  private Expression sum() {
    return leftToRight(this::joined, "+", "-");
  }

  private Expression joined() {
    Expression first = product();
    if (!tokens.peek().isOperator("~")) {
      return first;
    }
    int line = tokens.peek().line();
    List<Expression> parts = new ArrayList<>(List.of(first));
    while (tokens.skip("~")) {
      parts.add(product());
    }
    return new Expression.Joined(parts, line);
  }

  private Expression product() {
    return leftToRight(this::power, "*", "/", "//", "%");
  }

  private Expression power() {
    return leftToRight(() -> unary(true), "**");
  }

  private Expression leftToRight(Supplier<Expression> operand, String... operators) {
    Expression left = operand.get();
    while (isAny(operators)) {
      Token operator = tokens.next();
      left = new Expression.Binary((String) operator.value(), left, operand.get(), operator.line());
    }
    return left;
  }

  private boolean isAny(String... operators) {
    for (String operator : operators) {
      if (tokens.peek().isOperator(operator)) {
        return true;
      }
    }
    return false;
  }

  private Expression unary(boolean filtered) {
    Token token = tokens.peek();
    Expression value;
    if (token.isOperator("-") || token.isOperator("+")) {
      tokens.next();
      tokens.enter();
      value = new Expression.Signed(unary(false), token.isOperator("-"), token.line());
      tokens.leave();
    } else {
      value = primary();
    }
    value = postfix(value);
    return filtered ? filters(value) : value;
  }

  /** Reads an operand with what is behind it, filters included. */
  Expression postfixed() {
    return unary(true);
  }

  private Expression primary() {
    Token token = tokens.next();
    int line = token.line();
    switch (token.kind()) {
      case NAME -> {
        Object constant = CONSTANTS.get(token.value());
        return constant != null
            ? new Expression.Constant(constant, line)
            : new Expression.Name((String) token.value(), line);
      }
      case STRING -> {
        StringBuilder text = new StringBuilder((String) token.value());
        while (tokens.peek().kind() == Kind.STRING) {
          text.append(tokens.next().value());
        }
        return new Expression.Constant(Text.own(text.toString()), line);
      }
      case INTEGER, FLOAT -> {
        return new Expression.Constant(token.value(), line);
      }
      case OPERATOR -> {
        if (token.isOperator("(")) {
          return bracketed(line);
        } else if (token.isOperator("[")) {
          return new Expression.Items(items("]"), false, line);
        } else if (token.isOperator("{")) {
          return members(line);
        }
      }
      default -> {}
    }
    tokens.back();
    throw tokens.unexpected("an expression");
  }

  private Expression bracketed(int line) {
    if (tokens.skip(")")) {
      return new Expression.Items(List.of(), true, line);
    }
    Expression inner = tuple(true);
    tokens.expect(")");
    return inner;
  }

  private List<Expression> items(String end) {
    List<Expression> items = new ArrayList<>();
    while (!tokens.skip(end)) {
      if (!items.isEmpty()) {
        tokens.expect(",");
        if (tokens.skip(end)) {
          break;
        }
      }
      items.add(expression());
    }
    return items;
  }

  private Expression members(int line) {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.skip("}")) {
      if (!keys.isEmpty()) {
        tokens.expect(",");
        if (tokens.skip("}")) {
          break;
        }
      }
      keys.add(expression());
      tokens.expect(":");
      values.add(expression());
    }
    return new Expression.Members(keys, values, line);
  }

  private Expression postfix(Expression value) {
    while (true) {
      int line = tokens.peek().line();
      if (tokens.skip(".")) {
        Token name = tokens.next();
        if (name.kind() == Kind.INTEGER) {
          value = new Expression.Item(value, new Expression.Constant(name.value(), line), line);
        } else if (name.kind() == Kind.NAME) {
          value = new Expression.Attribute(value, (String) name.value(), line);
        } else {
          tokens.back();
          throw tokens.unexpected("a name or number");
        }
      } else if (tokens.skip("[")) {
        value = subscript(value, line);
      } else if (tokens.peek().isOperator("(")) {
        value = new Expression.Call(value, parameters(), line);
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression value, int line) {
    Expression from = isAny(":", "]") ? null : expression();
    if (!tokens.peek().isOperator(":")) {
      if (from == null) {
        throw tokens.unexpected("an expression");
      }
      List<Expression> keys = new ArrayList<>(List.of(from));
      while (tokens.skip(",")) {
        keys.add(expression());
      }
      tokens.expect("]");
      Expression key = keys.size() == 1 ? from : new Expression.Items(keys, true, line);
      return new Expression.Item(value, key, line);
    }
    tokens.next();
    Expression to = isAny(":", "]") ? null : expression();
    Expression step = tokens.skip(":") && !tokens.peek().isOperator("]") ? expression() : null;
    tokens.expect("]");
    return new Expression.Slice(value, from, to, step, line);
  }

  private Parameters parameters() {
    tokens.expect("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    Expression list = null;
    Expression map = null;
    for (boolean first = true; !tokens.skip(")"); first = false) {
      if (!first) {
        tokens.expect(",");
        if (tokens.skip(")")) {
          break;
        }
      }
      if (tokens.skip("*")) {
        list = expression();
      } else if (tokens.skip("**")) {
        map = expression();
      } else if (tokens.peek().kind() == Kind.NAME && tokens.peek(1).isOperator("=")) {
        String name = tokens.name();
        tokens.next();
        named.put(name, expression());
      } else if (named.isEmpty() && list == null && map == null) {
        positional.add(expression());
      } else {
        throw tokens.unexpected("a named argument");
      }
    }
    return new Parameters(positional, named, list, map);
  }

  /** Reads the filters, tests and calls behind a value. */
  Expression filters(Expression value) {
    while (true) {
      int line = tokens.peek().line();
      if (tokens.skip("|")) {
        value = filter(value);
      } else if (tokens.skipName("is")) {
        value = test(value, line);
      } else if (tokens.peek().isOperator("(")) {
        value = new Expression.Call(value, parameters(), line);
      } else {
        return value;
      }
    }
  }

  /** Reads a filter from its name on. */
  Expression filter(Expression value) {
    int line = tokens.peek().line();
    String name = dotted();
    Parameters parameters = tokens.peek().isOperator("(") ? parameters() : Parameters.NONE;
    return new Expression.Filter(value, name, parameters, line);
  }

  private String dotted() {
    StringBuilder name = new StringBuilder(tokens.name());
    while (tokens.skip(".")) {
      name.append('.').append(tokens.name());
    }
    return name.toString();
  }

  private Expression test(Expression value, int line) {
    boolean negated = tokens.skipName("not");
    String name = dotted();
    Parameters parameters = Parameters.NONE;
    if (tokens.peek().isOperator("(")) {
      parameters = parameters();
    } else if (beginsArgument()) {
      Expression argument = postfix(primary());
      parameters = new Parameters(List.of(argument), Map.of(), null, null);
    }
    Expression test = new Expression.Test(value, name, parameters, line);
    return negated ? new Expression.Not(test, line) : test;
  }

  private boolean beginsArgument() {
    Token next = tokens.peek();
    return switch (next.kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> isAny("[", "{");
      case NAME -> {
        if (next.isName("is")) {
          throw tokens.unexpected("no second test");
        }
        yield !tokens.isAnyName("else", "or", "and");
      }
      default -> false;
    };
  }
}
