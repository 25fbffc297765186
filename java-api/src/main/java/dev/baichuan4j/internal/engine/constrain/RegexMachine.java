package dev.baichuan4j.internal.engine.constrain;

/** Accepts the texts of a regular language: the whole text is one lexeme. */
final class RegexMachine implements ByteMachine {
  private final Dfa automaton;

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
    return Lexemes.of(automaton, state);
  }

  @Override
  public int onlyByte(int state) {
    return automaton.onlyByte(state);
  }
}
