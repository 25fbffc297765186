package dev.baichuan4j.internal.engine.constrain;

import java.util.function.Predicate;

/**
 * The right side of a rule of a {@link Grammar}: an automaton over symbols, whose positions may be
 * numbered as they are reached. A rule that an expression would spell too long, such as the members
 * of an object in any order, is a network of its own.
 */
public interface Network {
  /** Returns the position before the first symbol. */
  int start();

  /** Returns whether the rule may end at a position. */
  boolean accepting(int position);

  /**
   * Returns the ways on from a position; the same ones each time. A way over a symbol that has no
   * text, such as a rule that must contain itself, is ignored. From every position that is reached
   * by the others, an accepting one must be reached by the others, or the rule has dead ends.
   */
  Edge[] edges(int position);

  /**
   * Returns whether an accepting position can be reached from the start.
   *
   * @param symbols which symbols have a text, as far as is known: asked again as more is known
   */
  boolean productive(Predicate<Grammar.Symbol> symbols);

  /** One way on. */
  record Edge(Grammar.Symbol symbol, int target) {}
}
