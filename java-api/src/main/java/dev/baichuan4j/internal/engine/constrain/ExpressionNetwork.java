package dev.baichuan4j.internal.engine.constrain;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The network of an {@link Grammar.Expression}. A position is what is still to be read: an
 * expression and the position behind it. Bounded repetition counts down and is not spelled out.
 *
 * <p>The positions are the partial derivatives of the expression: Antimirov 1996, "Partial
 * derivatives of regular expressions and finite automaton constructions".
 */
final class ExpressionNetwork implements Network {
  private static final int END = 0;

  /** Expressions are compared by identity: the same part at another place is another. */
  private record Rest(int expression, int min, int max, int behind) {}

  private final Grammar.Expression body;
  private final Map<Rest, Integer> numbers = new HashMap<>();
  private final List<Rest> rests = new ArrayList<>();
  private final Map<Identity, Integer> expressionNumbers = new HashMap<>();
  private final List<Grammar.Expression> expressions = new ArrayList<>();
  private Predicate<Grammar.Symbol> hasText = symbol -> true;

  private record Identity(Grammar.Expression expression) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Identity identity && expression == identity.expression;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(expression);
    }
  }

  ExpressionNetwork(Grammar.Expression body) {
    this.body = body;
    rests.add(null); // the end
  }

  private int position(Grammar.Expression expression, int min, int max, int behind) {
    Integer known = expressionNumbers.get(new Identity(expression));
    int number = known != null ? known : expressions.size();
    if (known == null) {
      expressionNumbers.put(new Identity(expression), number);
      expressions.add(expression);
    }
    Rest rest = new Rest(number, min, max, behind);
    Integer position = numbers.putIfAbsent(rest, rests.size());
    if (position == null) {
      rests.add(rest);
      return rests.size() - 1;
    }
    return position;
  }

  private int position(Grammar.Expression expression, int behind) {
    return expression instanceof Grammar.Repeat repeat
        ? position(expression, repeat.min(), repeat.max(), behind)
        : position(expression, 1, 1, behind);
  }

  @Override
  public int start() {
    return position(body, END);
  }

  @Override
  public boolean accepting(int position) {
    Ways ways = new Ways();
    ways.follow(position);
    return ways.end;
  }

  @Override
  public Edge[] edges(int position) {
    Ways ways = new Ways();
    ways.follow(position);
    return ways.edges.toArray(Edge[]::new);
  }

  /** Collects the first symbols of what is still to be read. */
  private final class Ways {
    private final Set<Edge> edges = new java.util.LinkedHashSet<>();
    private final Set<Integer> followed = new HashSet<>();
    private boolean end;

    private void follow(int position) {
      if (position == END) {
        end = true;
      } else if (followed.add(position)) {
        Rest rest = rests.get(position);
        Grammar.Expression expression = expressions.get(rest.expression);
        if (expression instanceof Grammar.Repeat repeat) {
          followRepeat(repeat.part(), expression, rest);
        } else {
          follow(expression, rest.behind);
        }
      }
    }

    private void followRepeat(Grammar.Expression part, Grammar.Expression repeat, Rest rest) {
      if (rest.max > 0 && has(part)) {
        int max = rest.max == Regex.UNBOUNDED ? rest.max : rest.max - 1;
        int min = Math.max(0, rest.min - 1);
        follow(part, max == 0 ? rest.behind : position(repeat, min, max, rest.behind));
      }
      if (rest.min == 0) {
        follow(rest.behind);
      }
    }

    private void follow(Grammar.Expression expression, int behind) {
      if (expression instanceof Grammar.Symbol symbol) {
        edges.add(new Edge(symbol, behind));
      } else if (expression instanceof Grammar.Choice choice) {
        for (Grammar.Expression part : choice.parts()) {
          if (has(part)) {
            follow(part, behind);
          }
        }
      } else if (expression instanceof Grammar.Sequence sequence) {
        int position = behind;
        for (int i = sequence.parts().size() - 1; i >= 0; i--) {
          position = position(sequence.parts().get(i), position);
        }
        follow(position);
      } else {
        follow(position(expression, behind));
      }
    }
  }

  @Override
  public boolean productive(Predicate<Grammar.Symbol> symbols) {
    hasText = symbols;
    return has(body);
  }

  /** Whether an expression has a text. */
  private boolean has(Grammar.Expression expression) {
    if (expression instanceof Grammar.Symbol symbol) {
      return hasText.test(symbol);
    }
    if (expression instanceof Grammar.Choice choice) {
      return choice.parts().stream().anyMatch(this::has);
    }
    if (expression instanceof Grammar.Sequence sequence) {
      return sequence.parts().stream().allMatch(this::has);
    }
    Grammar.Repeat repeat = (Grammar.Repeat) expression;
    return repeat.min() == 0 || has(repeat.part());
  }
}
