package dev.baichuan4j.internal.engine.constrain;

/**
 * Accepts those texts of a language of JSON that are written on one line, with one space behind
 * each colon and comma that is not in a string, no other blank space, and in the names of members,
 * where the language lists them, a backslash only where some name needs one. So there is one layout
 * only: more of a text is forced, such as names, and no model can go on with blank space.
 *
 * <p>Nothing that the other machine can end becomes a dead end: where it allows blank space, it
 * allows any amount, and where it allows a character, it allows it unescaped.
 */
public final class OneLineJson implements ByteMachine {
  private static final int OUTSIDE = 0;
  private static final int SPACE_DUE = 1;
  private static final int IN_STRING = 2;
  private static final int ESCAPED = 3; // in a string, behind a backslash
  private static final int BITS = 2; // of a state, for one of these

  /** What may stand behind a backslash, of characters that cannot stand for themselves. */
  private static final int[] NEEDED = {'"', '\\', 'b', 'f', 'n', 'r', 't', 'u'};

  private static final int[] CONTROL = {'u', '0', '0'};

  private final ByteMachine json;

  /**
   * @param json promises nothing by its lexemes in the names that it lists, so that they can be
   *     restricted
   */
  public OneLineJson(ByteMachine json) {
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
    int inner = inner(state);
    int next =
        switch (layout(state)) {
          case SPACE_DUE -> b == ' ' ? OUTSIDE : DEAD;
          case IN_STRING -> inString(inner, b);
          case ESCAPED -> isListed(inner) && !isNeeded(inner, b) ? DEAD : IN_STRING;
          default -> outside(b);
        };
    return next == DEAD ? DEAD : state(json.next(inner, b), next);
  }

  private static int outside(int b) {
    return switch (b) {
      case '"' -> IN_STRING;
      case ':', ',' -> SPACE_DUE;
      case ' ', '\n', '\r', '\t' -> DEAD;
      default -> OUTSIDE;
    };
  }

  private int inString(int inner, int b) {
    if (b != '\\') {
      return b == '"' ? OUTSIDE : IN_STRING;
    }
    int escaped = isListed(inner) ? json.next(inner, b) : DEAD;
    if (escaped == DEAD) {
      return ESCAPED; // as the other machine has it
    }
    for (int mark : NEEDED) {
      if (isNeeded(escaped, mark)) {
        return ESCAPED;
      }
    }
    return DEAD;
  }

  private boolean isListed(int inner) {
    return json.lexemes(inner).size() == 0;
  }

  /** Whether a character behind a backslash is that of an escape without which none is written. */
  private boolean isNeeded(int escaped, int b) {
    if (b != 'u') {
      return b != '/' && json.next(escaped, b) != DEAD;
    }
    int state = escaped;
    for (int i = 0; i < CONTROL.length && state != DEAD; i++) {
      state = json.next(state, CONTROL[i]);
    }
    return state != DEAD
        && (json.next(state, '0') != DEAD || json.next(state, '1') != DEAD); // up to 1F
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
