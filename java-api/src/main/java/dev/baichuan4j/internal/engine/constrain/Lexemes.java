package dev.baichuan4j.internal.engine.constrain;

import java.util.Arrays;

/** A set of positions in regular languages: automata, each with a state of its own. Immutable. */
public final class Lexemes {
  /** No lexeme: nothing is known about what may follow, see {@link ByteMachine#lexemes}. */
  public static final Lexemes NONE = new Lexemes(new Dfa[0], new int[0], false);

  private final Dfa[] automata;
  private final int[] states; // one of each automaton; an automaton may be there more than once
  private final boolean closed;
  private final int hash;

  private Lexemes(Dfa[] automata, int[] states, boolean closed) {
    this.automata = automata;
    this.states = states;
    this.closed = closed;
    int h = closed ? 1 : 2;
    for (int i = 0; i < states.length; i++) {
      h = 31 * (31 * h + automata[i].id()) + states[i];
    }
    this.hash = h;
  }

  /** Returns the set of one position. */
  public static Lexemes of(Dfa automaton, int state) {
    return new Lexemes(new Dfa[] {automaton}, new int[] {state}, false);
  }

  /** Returns the set of one position, in a language behind whose texts nothing can follow. */
  public static Lexemes ofAll(Dfa automaton, int state) {
    return new Lexemes(new Dfa[] {automaton}, new int[] {state}, true);
  }

  /**
   * Returns the set of some positions, in which each may occur more than once.
   *
   * @param automata [count]
   * @param states [count], a state of each that is not dead
   */
  public static Lexemes of(Dfa[] automata, int[] states, int count) {
    long[] keys = new long[count];
    for (int i = 0; i < count; i++) {
      keys[i] = (long) automata[i].id() << 32 | states[i];
    }
    Integer[] order = new Integer[count];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Long.compare(keys[a], keys[b]));
    Dfa[] distinctAutomata = new Dfa[count];
    int[] distinctStates = new int[count];
    int distinct = 0;
    for (int i = 0; i < count; i++) {
      if (i == 0 || keys[order[i]] != keys[order[i - 1]]) {
        distinctAutomata[distinct] = automata[order[i]];
        distinctStates[distinct++] = states[order[i]];
      }
    }
    return new Lexemes(
        Arrays.copyOf(distinctAutomata, distinct), Arrays.copyOf(distinctStates, distinct), false);
  }

  /** Returns these positions, where something can follow. */
  Lexemes open() {
    return closed ? new Lexemes(automata, states, false) : this;
  }

  /** Returns these positions and another one; {@link #NONE} of none, as nothing is known then. */
  Lexemes with(Dfa automaton, int state) {
    if (states.length == 0) {
      return NONE;
    }
    Dfa[] moreAutomata = Arrays.copyOf(automata, states.length + 1);
    int[] moreStates = Arrays.copyOf(states, states.length + 1);
    moreAutomata[states.length] = automaton;
    moreStates[states.length] = state;
    return of(moreAutomata, moreStates, moreStates.length);
  }

  /** Returns whether nothing can follow a text of the lexeme. */
  public boolean isClosed() {
    return closed;
  }

  /** Returns how many positions there are. */
  public int size() {
    return states.length;
  }

  /** Returns the automaton of a position. */
  public Dfa automaton(int index) {
    return automata[index];
  }

  /** Returns the state of a position. */
  public int state(int index) {
    return states[index];
  }

  @Override
  public boolean equals(Object other) {
    return this == other
        || other instanceof Lexemes lexemes
            && hash == lexemes.hash
            && closed == lexemes.closed
            && Arrays.equals(states, lexemes.states)
            && Arrays.equals(automata, lexemes.automata); // by identity
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
