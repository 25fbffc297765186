package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Dfa;
import dev.baichuan4j.internal.engine.constrain.Lexemes;
import dev.baichuan4j.internal.engine.constrain.schema.Level.Branch;
import dev.baichuan4j.internal.engine.constrain.schema.Level.Members;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;

/** Where a text is: a state of {@link JsonMachine}. Immutable. */
final class Place {
  /** Before a value that the level waits for. */
  static final int VALUE = 0;

  /** Within a string, a number or a literal. */
  static final int SCALAR = 1;

  /** Behind an opening brace. */
  static final int OPEN_OBJECT = 2;

  /** Behind a comma between members. */
  static final int NEXT_NAME = 3;

  /** Within the name of a member. */
  static final int NAME = 4;

  /** Behind the name of a member. */
  static final int COLON = 5;

  /** Behind a member. */
  static final int AFTER_MEMBER = 6;

  /** Behind an opening bracket. */
  static final int OPEN_ARRAY = 7;

  /** Behind an item. */
  static final int AFTER_ITEM = 8;

  /** Behind the whole text. */
  static final int END = 9;

  private final int kind;
  private final Level level; // what waits for the value, or what is around the branches
  private final Branch[] branches; // null where the level has them
  private final Object lexical; // Scalars or Name
  private final Capture capture; // null if nothing is captured
  private final int hash;
  private Lexemes lexemes; // null until they are asked for

  /**
   * Scalars that are being read side by side.
   *
   * @param refs what each of them is awaited for
   */
  record Scalars(Ref[] refs, Dfa[] automata, int[] states) {
    static final Scalars NONE = new Scalars(new Ref[0], new Dfa[0], new int[0]);

    int size() {
      return states.length;
    }

    Scalars with(Ref ref, Dfa automaton, int state) {
      int size = states.length;
      Ref[] moreRefs = Arrays.copyOf(refs, size + 1);
      Dfa[] moreAutomata = Arrays.copyOf(automata, size + 1);
      int[] moreStates = Arrays.copyOf(states, size + 1);
      moreRefs[size] = ref;
      moreAutomata[size] = automaton;
      moreStates[size] = state;
      return new Scalars(moreRefs, moreAutomata, moreStates);
    }

    Scalars next(int b) {
      int[] next = new int[states.length];
      int count = 0;
      for (int i = 0; i < next.length; i++) {
        next[i] = automata[i].next(states[i], b);
        count += next[i] == Dfa.DEAD ? 0 : 1;
      }
      if (count == next.length) {
        return new Scalars(refs, automata, next);
      }
      Scalars some = NONE;
      for (int i = 0; i < next.length; i++) {
        some = next[i] == Dfa.DEAD ? some : some.with(refs[i], automata[i], next[i]);
      }
      return some;
    }

    boolean mayContinue() {
      for (int i = 0; i < states.length; i++) {
        if (automata[i].continues(states[i])) {
          return true;
        }
      }
      return false;
    }

    boolean anyAccepts() {
      for (int i = 0; i < states.length; i++) {
        if (automata[i].accepting(states[i])) {
          return true;
        }
      }
      return false;
    }

    Set<Ref> accepted() {
      Set<Ref> accepted = new LinkedHashSet<>();
      for (int i = 0; i < states.length; i++) {
        if (automata[i].accepting(states[i])) {
          accepted.add(refs[i]);
        }
      }
      return accepted;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Scalars s
          && Arrays.equals(states, s.states)
          && Arrays.equals(refs, s.refs)
          && Arrays.equals(automata, s.automata);
    }

    @Override
    public int hashCode() {
      return 31 * (31 * Arrays.hashCode(states) + Arrays.hashCode(refs))
          + Arrays.hashCode(automata);
    }
  }

  /**
   * A name that is being read.
   *
   * @param positions of each branch, where in its names
   * @param escape where in an escape
   * @param body where in any string
   */
  record Name(int[] positions, int escape, int body) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Name n
          && escape == n.escape
          && body == n.body
          && Arrays.equals(positions, n.positions);
    }

    @Override
    public int hashCode() {
      return 31 * (31 * Arrays.hashCode(positions) + escape) + body;
    }
  }

  Place(int kind, Level level, Branch[] branches, Object lexical) {
    this(kind, level, branches, lexical, null);
  }

  private Place(int kind, Level level, Branch[] branches, Object lexical, Capture capture) {
    this.kind = kind;
    this.level = level;
    this.branches = branches;
    this.lexical = lexical;
    this.capture = capture;
    int h = 31 * kind + System.identityHashCode(level);
    h = 31 * h + Arrays.hashCode(branches);
    h = 31 * h + (lexical == null ? 0 : lexical.hashCode());
    this.hash = 31 * h + System.identityHashCode(capture);
  }

  Place with(Capture text) {
    return text == capture ? this : new Place(kind, level, branches, lexical, text);
  }

  Capture capture() {
    return capture;
  }

  int kind() {
    return kind;
  }

  Level level() {
    return level;
  }

  Branch[] branches() {
    return branches;
  }

  Scalars scalars() {
    return (Scalars) lexical;
  }

  Name name() {
    return (Name) lexical;
  }

  Lexemes lexemes() {
    if (lexemes == null) {
      lexemes = findLexemes();
    }
    return lexemes;
  }

  private Lexemes findLexemes() {
    if (kind == SCALAR) {
      Scalars scalars = scalars();
      return Lexemes.of(scalars.automata(), scalars.states(), scalars.size());
    }
    if (kind == NAME) {
      for (Branch branch : branches) {
        Members members = (Members) branch;
        if (members.names().isOpen()
            && members.names().mayAddOther(members.seen(), members.count())) {
          return Lexemes.of(Automata.BODY, name().body());
        }
      }
    }
    return Lexemes.NONE;
  }

  @Override
  public boolean equals(Object other) {
    return this == other
        || other instanceof Place place
            && hash == place.hash
            && kind == place.kind
            && level == place.level // interned
            && capture == place.capture // interned
            && Arrays.equals(branches, place.branches)
            && (lexical == null ? place.lexical == null : lexical.equals(place.lexical));
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
