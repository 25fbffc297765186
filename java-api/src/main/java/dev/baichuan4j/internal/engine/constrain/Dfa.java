package dev.baichuan4j.internal.engine.constrain;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A deterministic automaton over bytes: a regular language. Its states may be made as they are
 * reached. Safe for any number of threads, so that machines share the automata of common lexemes,
 * and what is computed for them. Two automata are equal if they are the same object.
 */
public abstract class Dfa {
  /** The state from which no text of the language can be reached. */
  public static final int DEAD = ByteMachine.DEAD;

  private static final AtomicInteger IDS = new AtomicInteger();

  private final int id = IDS.incrementAndGet();

  /** Returns the number of this automaton, which no other has. */
  public final int id() {
    return id;
  }

  /** Returns the state before the first byte; {@link #DEAD} if the language is empty. */
  public abstract int start();

  /**
   * Returns the state after another byte. As in a {@link ByteMachine}, a state that is not {@link
   * #DEAD} can still reach an accepting one.
   *
   * @param state not {@link #DEAD}
   * @param b 0 to 255
   * @throws dev.baichuan4j.InvalidRequestException if the automaton needs more states than allowed
   */
  public abstract int next(int state, int b);

  /** Returns whether the bytes so far are in the language. */
  public abstract boolean accepting(int state);

  /**
   * Returns whether some byte leads on from a state. An automaton that cannot tell at little cost
   * says yes.
   */
  public abstract boolean continues(int state);

  /**
   * Returns whether two bytes are known to lead to the same state from every state. An automaton
   * that cannot tell at little cost says no.
   */
  public boolean alike(int a, int b) {
    return a == b;
  }

  /**
   * Returns a {@link Reach} that is read from a state in any case, so that it need not be searched
   * for; {@link Reach#NONE} if none is known.
   */
  int knownReach(int state) {
    return Reach.NONE;
  }

  /** As {@link ByteMachine#onlyByte}. */
  public int onlyByte(int state) {
    int only = ByteMachine.NO_BYTE;
    for (int b = 0; b < 256; b++) {
      if (only == ByteMachine.NO_BYTE && b > 0 && alike(b - 1, b)) {
        continue; // it is dead too
      }
      if (next(state, b) != DEAD) {
        if (only != ByteMachine.NO_BYTE) {
          return ByteMachine.SEVERAL_BYTES;
        }
        only = b;
      }
    }
    return only;
  }

  /** Returns whether a whole string of bytes is in the language. */
  public final boolean matches(byte[] text) {
    int state = start();
    for (int i = 0; i < text.length && state != DEAD; i++) {
      state = next(state, text[i] & 0xFF);
    }
    return state != DEAD && accepting(state);
  }
}
