package dev.baichuan4j.internal.engine.constrain;

/**
 * An acceptor of a language of byte strings, one byte after the other. States are small numbers
 * that are made as they are reached; the same number means the same future.
 *
 * <p>A state that is not {@link #DEAD} can always still reach an accepting one: what a mask allows
 * never leads to a place from which no text can end.
 *
 * <p>For one thread at a time, unless an implementation says otherwise; whoever shares a machine
 * between threads locks it.
 */
public interface ByteMachine {
  /** The state from which no text of the language can be reached. */
  int DEAD = -1;

  /** What {@link #afterLexeme} answers where it is not known. */
  int UNKNOWN = -2;

  /** What {@link #onlyByte} answers where no byte may follow. */
  int NO_BYTE = -1;

  /** What {@link #onlyByte} answers where more than one byte may follow. */
  int SEVERAL_BYTES = -2;

  /**
   * Returns the state before the first byte; {@link #DEAD} if the language has no text at all.
   *
   * @throws dev.baichuan4j.InvalidRequestException if the language needs more states than allowed
   */
  int start();

  /**
   * Returns the state after another byte.
   *
   * @param state not {@link #DEAD}
   * @param b 0 to 255
   * @throws dev.baichuan4j.InvalidRequestException if the language needs more states than allowed
   */
  int next(int state, int b);

  /** Returns whether the bytes so far are a text of the language. */
  boolean accepting(int state);

  /**
   * Returns the regular languages that are being read: the <em>local</em> part of a state, which is
   * the same in all contexts. It promises two things of any bytes that follow.
   *
   * <ul>
   *   <li>If one of the lexemes can read them without dying, then so can this machine.
   *   <li>If this machine can read them without dying, then one of the lexemes reads them without
   *       dying, or reads a proper beginning of them (perhaps empty) and accepts there.
   * </ul>
   *
   * <p>So tokens that stay within a lexeme are allowed whatever surrounds it, and are computed once
   * for all states and all machines with the same lexemes; only tokens that leave one are read by
   * the machine. {@link Lexemes#NONE} promises nothing: every token is read by the machine then.
   *
   * @return an equal object for states with equal local parts; best the same object each time
   */
  default Lexemes lexemes(int state) {
    return Lexemes.NONE;
  }

  /**
   * Returns the state of what may follow the one lexeme of a state, as if that ended here; {@link
   * #DEAD} if nothing may. It is asked where {@link #lexemes} has one position, and promises that
   * bytes are read from the state exactly if the lexeme reads them, or accepts a beginning of them
   * (perhaps empty) behind which this other state reads the rest.
   *
   * @return {@link #UNKNOWN} if the machine cannot tell
   */
  default int afterLexeme(int state) {
    return UNKNOWN;
  }

  /**
   * Returns the only byte that may follow; {@link #NO_BYTE} if none may, so that the text has to
   * end, and {@link #SEVERAL_BYTES} if there is a choice.
   */
  default int onlyByte(int state) {
    int only = NO_BYTE;
    for (int b = 0; b < 256; b++) {
      if (next(state, b) != DEAD) {
        if (only != NO_BYTE) {
          return SEVERAL_BYTES;
        }
        only = b;
      }
    }
    return only;
  }

  /**
   * Returns how many states there are so far, as a measure of memory: a machine that has many is
   * not used for new texts.
   */
  default int states() {
    return 0;
  }
}
