package dev.baichuan4j.internal.engine.constrain;

import dev.baichuan4j.Constraint;
import java.util.List;

/**
 * Whether a text is one of the language of a constraint.
 *
 * @param accepted whether it is
 * @param at the byte where it stopped: how many bytes were read
 * @param expected if it is not accepted, what might have followed there, see {@link Expectation}
 */
public record TextCheck(boolean accepted, int at, List<String> expected) {

  /** Checks a text by itself, without tokens. */
  public static TextCheck of(Constraint constraint, byte[] text) {
    ByteMachine machine = ((CompiledConstraint) constraint).machine();
    int state = machine.start();
    for (int i = 0; i < text.length; i++) {
      int next = machine.next(state, text[i] & 0xFF);
      if (next == ByteMachine.DEAD) {
        return new TextCheck(false, i, Expectation.of(machine, state));
      }
      state = next;
    }
    boolean accepted = machine.accepting(state);
    List<String> expected = accepted ? List.of() : Expectation.of(machine, state);
    return new TextCheck(accepted, text.length, expected);
  }
}
