package dev.baichuan4j.internal.engine.constrain;

import java.util.ArrayList;
import java.util.List;

/**
 * A context-free grammar whose terminals are regular languages. The language is exactly that of the
 * rules: a terminal takes any of its texts, not the longest. Rules may be recursive on any side,
 * ambiguous, and empty.
 */
public final class Grammar {
  /** What rules are made of. */
  public sealed interface Expression {
    /** Returns one after the other. */
    static Expression sequence(Expression... parts) {
      return new Sequence(List.of(parts));
    }

    /** Returns one of these. */
    static Expression choice(Expression... parts) {
      return new Choice(List.of(parts));
    }

    /** Returns this a number of times; {@link Regex#UNBOUNDED} is no limit. */
    default Expression repeat(int min, int max) {
      return new Repeat(this, min, max);
    }
  }

  /** A part that is read as a whole: a terminal or a rule. */
  public sealed interface Symbol extends Expression {}

  /** Any text of a regular language. Terminals that share an automaton share its masks. */
  public record Terminal(Dfa automaton) implements Symbol {}

  /** What a rule says, by the number that {@link Builder#rule} gave it. */
  public record Rule(int number) implements Symbol {}

  record Sequence(List<Expression> parts) implements Expression {}

  record Choice(List<Expression> parts) implements Expression {}

  record Repeat(Expression part, int min, int max) implements Expression {}

  private final List<String> names;
  private final List<Network> networks;
  private final int start;

  private final boolean[] productive; // by rule: has a text

  private Grammar(List<String> names, List<Network> networks, int start) {
    this.names = names;
    this.networks = networks;
    this.start = start;
    this.productive = new boolean[networks.size()];
    for (boolean changed = true; changed; ) {
      changed = false;
      for (int rule = 0; rule < productive.length; rule++) {
        if (!productive[rule] && networks.get(rule).productive(this::hasText)) {
          productive[rule] = true;
          changed = true;
        }
      }
    }
  }

  /** Returns whether a symbol has any text. */
  boolean hasText(Symbol symbol) {
    return symbol instanceof Rule rule
        ? productive[rule.number()]
        : ((Terminal) symbol).automaton().start() != Dfa.DEAD;
  }

  /** Collects rules. */
  public static final class Builder {
    private final List<String> names = new ArrayList<>();
    private final List<Network> networks = new ArrayList<>();

    /**
     * Returns a new rule, to be defined before the grammar is built.
     *
     * @param name what messages call it
     */
    public Rule rule(String name) {
      names.add(name);
      networks.add(null);
      return new Rule(names.size() - 1);
    }

    /** Says what a rule is. */
    public Builder define(Rule rule, Expression body) {
      return define(rule, new ExpressionNetwork(body));
    }

    /** Says what a rule is. */
    public Builder define(Rule rule, Network network) {
      networks.set(rule.number(), network);
      return this;
    }

    /**
     * Returns the grammar of the texts of a rule.
     *
     * @throws IllegalStateException if a rule is not defined
     */
    public Grammar build(Rule start) {
      int missing = networks.indexOf(null);
      if (missing >= 0) {
        throw new IllegalStateException("rule " + names.get(missing) + " is not defined");
      }
      return new Grammar(List.copyOf(names), List.copyOf(networks), start.number());
    }
  }

  /** Returns a new machine that accepts the texts of the start rule. */
  public ByteMachine machine() {
    return new GrammarMachine(this);
  }

  int rules() {
    return networks.size();
  }

  String name(int rule) {
    return names.get(rule);
  }

  Network network(int rule) {
    return networks.get(rule);
  }

  int start() {
    return start;
  }
}
