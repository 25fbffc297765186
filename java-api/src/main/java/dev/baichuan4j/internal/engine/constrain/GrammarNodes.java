package dev.baichuan4j.internal.engine.constrain;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The positions in the rules of a {@link Grammar}, without empty symbols: where a symbol may be
 * empty, what follows it may follow already before it.
 */
final class GrammarNodes {
  /** A position in a rule. */
  static final class Node {
    final int rule;
    final int position;
    final int id;
    boolean accepting; // the rule may end here
    Way[] ways; // null until they are asked for

    private Node(int rule, int position, int id) {
      this.rule = rule;
      this.position = position;
      this.id = id;
    }

    /** Whether the rule can only end here. */
    boolean isEnd() {
      return accepting && ways.length == 0;
    }
  }

  /** A way on from a position: over a text of an automaton, or of a rule where that is null. */
  record Way(Dfa terminal, int rule, Node target) {}

  private final Grammar grammar;
  private final Map<Long, Node> nodes = new HashMap<>(); // by rule and position
  private final Map<Integer, Boolean> nullable = new HashMap<>(); // by rule

  GrammarNodes(Grammar grammar) {
    this.grammar = grammar;
  }

  /** The position before the first symbol of a rule. */
  Node start(int rule) {
    return node(rule, grammar.network(rule).start());
  }

  private Node node(int rule, int position) {
    long key = (long) rule << 32 | position;
    Node node = nodes.get(key);
    if (node == null) {
      node = new Node(rule, position, nodes.size());
      nodes.put(key, node);
    }
    return node;
  }

  /** Finds out about a position, if that has not happened yet. */
  Node complete(Node node) {
    if (node.ways == null) {
      Network network = grammar.network(node.rule);
      Set<Way> ways = new LinkedHashSet<>();
      List<Integer> open = new ArrayList<>(List.of(node.position));
      Set<Integer> reached = new HashSet<>(open);
      while (!open.isEmpty()) {
        int position = open.remove(open.size() - 1);
        node.accepting |= network.accepting(position);
        for (Network.Edge edge : network.edges(position)) {
          Grammar.Symbol symbol = edge.symbol();
          if (!grammar.hasText(symbol)) {
            continue;
          }
          Node target = node(node.rule, edge.target());
          if (symbol instanceof Grammar.Terminal terminal) {
            if (terminal.automaton().continues(terminal.automaton().start())) {
              ways.add(new Way(terminal.automaton(), -1, target));
            }
          } else {
            ways.add(new Way(null, ((Grammar.Rule) symbol).number(), target));
          }
          if (isNullable(symbol) && reached.add(edge.target())) {
            open.add(edge.target());
          }
        }
      }
      node.ways = ways.toArray(Way[]::new);
    }
    return node;
  }

  private boolean isNullable(Grammar.Symbol symbol) {
    return symbol instanceof Grammar.Terminal terminal
        ? terminal.automaton().accepting(terminal.automaton().start())
        : isNullable(((Grammar.Rule) symbol).number());
  }

  private boolean isNullable(int rule) {
    Boolean known = nullable.get(rule);
    if (known == null) {
      decide(rule);
      known = nullable.get(rule);
    }
    return known;
  }

  /** Decides about a rule and those that it depends on: the least fixed point. */
  private void decide(int rule) {
    Set<Integer> undecided = new LinkedHashSet<>();
    Set<Integer> empty = new HashSet<>();
    int size;
    do {
      size = undecided.size() + empty.size();
      undecided.add(rule);
      for (int each : List.copyOf(undecided)) {
        if (canBeEmpty(each, undecided, empty)) {
          empty.add(each);
        }
      }
    } while (undecided.size() + empty.size() > size);
    for (int each : undecided) {
      nullable.put(each, empty.contains(each));
    }
  }

  private boolean canBeEmpty(int rule, Set<Integer> undecided, Set<Integer> empty) {
    Network network = grammar.network(rule);
    List<Integer> open = new ArrayList<>(List.of(network.start()));
    Set<Integer> reached = new HashSet<>(open);
    while (!open.isEmpty()) {
      int position = open.remove(open.size() - 1);
      if (network.accepting(position)) {
        return true;
      }
      for (Network.Edge edge : network.edges(position)) {
        boolean skipped;
        if (edge.symbol() instanceof Grammar.Rule inner) {
          Boolean known = nullable.get(inner.number());
          if (known == null) {
            undecided.add(inner.number());
          }
          skipped = known != null ? known : empty.contains(inner.number());
        } else {
          skipped = isNullable(edge.symbol());
        }
        if (skipped && reached.add(edge.target())) {
          open.add(edge.target());
        }
      }
    }
    return false;
  }
}
