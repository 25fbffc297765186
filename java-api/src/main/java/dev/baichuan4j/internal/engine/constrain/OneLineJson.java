package dev.baichuan4j.internal.engine.constrain;

/**
 * Accepts those texts of a language of JSON that are written on one line, with one space behind
 * each colon and comma that is not in a string, and no other blank space. So there is one layout
 * only: more of a text is forced, and no model can go on with blank space.
 *
 * <p>Nothing that the other machine can end becomes a dead end: where it allows blank space, it
 * allows any amount.
 */
final class OneLineJson implements ByteMachine {
  private static final int OUTSIDE = 0;
  private static final int SPACE_DUE = 1;
  private static final int IN_STRING = 2;
  private static final int ESCAPED = 3; // in a string, behind a backslash
  private static final int BITS = 2; // of a state, for one of these

  private final ByteMachine json;

  /**
   * @param json allows blank space where JSON does, behind and within a text
   */
  OneLineJson(ByteMachine json) {
    this.json = json;
  }

  private static int state(int inner, int layout) {
    return inner == DEAD ? DEAD : inner << BITS | layout;
  }

  private static int inner(int state) {
    return state >> BITS;
  }

  private static int layout(int state) {
    return state & (1 << BITS) - 1;
  }

  @Override
  public int start() {
    return state(json.start(), OUTSIDE);
  }

  @Override
  public int next(int state, int b) {
    int layout = layout(state);
    int next =
        switch (layout) {
          case SPACE_DUE -> b == ' ' ? OUTSIDE : DEAD;
          case IN_STRING -> b == '"' ? OUTSIDE : b == '\\' ? ESCAPED : IN_STRING;
          case ESCAPED -> IN_STRING;
          default ->
              switch (b) {
                case '"' -> IN_STRING;
                case ':', ',' -> SPACE_DUE;
                case ' ', '\n', '\r', '\t' -> DEAD;
                default -> OUTSIDE;
              };
        };
    return next == DEAD ? DEAD : state(json.next(inner(state), b), next);
  }

  @Override
  public boolean accepting(int state) {
    return layout(state) == OUTSIDE && json.accepting(inner(state));
  }

  @Override
  public Lexemes lexemes(int state) {
    return layout(state) == SPACE_DUE ? Lexemes.NONE : json.lexemes(inner(state));
  }

  @Override
  public int states() {
    return json.states();
  }
}
