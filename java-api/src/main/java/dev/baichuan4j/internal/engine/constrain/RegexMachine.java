package dev.baichuan4j.internal.engine.constrain;

import java.util.Arrays;

/** Accepts the texts of a regular language: the whole text is one lexeme. */
final class RegexMachine implements ByteMachine {
  private final Dfa automaton;
  private Lexemes[] lexemes = new Lexemes[16]; // by state, those that were asked for

  RegexMachine(Dfa automaton) {
    this.automaton = automaton;
  }

  @Override
  public int start() {
    return automaton.start();
  }

  @Override
  public int next(int state, int b) {
    return automaton.next(state, b);
  }

  @Override
  public boolean accepting(int state) {
    return automaton.accepting(state);
  }

  @Override
  public Lexemes lexemes(int state) {
    if (state >= lexemes.length) {
      lexemes = Arrays.copyOf(lexemes, Math.max(state + 1, 2 * lexemes.length));
    }
    if (lexemes[state] == null) {
      lexemes[state] = Lexemes.ofAll(automaton, state);
    }
    return lexemes[state];
  }

  @Override
  public int onlyByte(int state) {
    return automaton.onlyByte(state);
  }
}
