package dev.baichuan4j.internal.engine.constrain;

import dev.baichuan4j.internal.sampling.TokenMask;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Where one text is in the language of its constraint. For one thread at a time; any number of
 * texts share what is computed of their constraint.
 */
public final class ConstraintState implements TokenMask {
  private static final int MAX_FORCED_BYTES = 512;
  private static final byte[] NO_BYTES = {};

  private final MachineMasks shared;
  private final ByteMachine machine; // used under the monitor of shared
  private final TokenMasks masks;
  private int[] states = new int[64]; // before each token, and after the last
  private boolean[] begun = new boolean[64]; // whether the text has begun by then
  private int tokens;
  private boolean ended; // by one of the tokens that end a text, the last one

  ConstraintState(MachineMasks shared) {
    this.shared = shared;
    this.machine = shared.machine();
    this.masks = shared.masks();
    synchronized (shared) {
      states[0] = machine.start();
    }
  }

  /**
   * @throws IllegalStateException if the text has ended
   */
  @Override
  public boolean mask(long[] words) {
    requireOpen();
    synchronized (shared) {
      shared.write(states[tokens], !begun[tokens], words);
    }
    return true;
  }

  /**
   * @throws IllegalStateException if the token was not allowed, or the text has ended
   */
  @Override
  public void accept(int id) {
    requireOpen();
    int state;
    boolean end = masks.isEnd(id);
    synchronized (shared) {
      state = end ? endState() : after(states[tokens], masks.text(id, !begun[tokens]));
    }
    if (state == ByteMachine.DEAD) {
      throw new IllegalStateException("constraint: token " + id + " was not allowed");
    }
    if (++tokens == states.length) {
      states = Arrays.copyOf(states, 2 * tokens);
      begun = Arrays.copyOf(begun, 2 * tokens);
    }
    states[tokens] = state;
    begun[tokens] = true;
    ended = end;
  }

  private int endState() {
    return machine.accepting(states[tokens]) ? states[tokens] : ByteMachine.DEAD;
  }

  private int after(int from, byte[] text) {
    int state = text == null ? ByteMachine.DEAD : from;
    for (int i = 0; state != ByteMachine.DEAD && i < text.length; i++) {
      state = machine.next(state, text[i] & 0xFF);
    }
    return state;
  }

  /**
   * Takes back the last tokens, as if they had not been accepted.
   *
   * @param count 0 to the number of tokens
   */
  public void rollback(int count) {
    if (count < 0 || count > tokens) {
      throw new IllegalArgumentException("count " + count + ", expected 0 to " + tokens);
    }
    tokens -= count;
    ended &= count == 0;
  }

  /** Returns how many tokens were accepted. */
  public int tokens() {
    return tokens;
  }

  /** Returns whether the text so far is one of the language. */
  public boolean isComplete() {
    synchronized (shared) {
      return machine.accepting(states[tokens]);
    }
  }

  /** Returns whether nothing may follow: the text has ended, or can only end now. */
  public boolean mustEnd() {
    synchronized (shared) {
      return ended || machine.onlyByte(states[tokens]) == ByteMachine.NO_BYTE;
    }
  }

  /**
   * Returns the bytes that must come next, none if there is a choice or the text may end. At most
   * 512 of them.
   */
  public byte[] forcedBytes() {
    byte[] bytes = NO_BYTES;
    int count = 0;
    synchronized (shared) {
      int state = states[tokens];
      while (!ended && count < MAX_FORCED_BYTES && !machine.accepting(state)) {
        int only = machine.onlyByte(state);
        if (only < 0) {
          break;
        }
        if (count == bytes.length) {
          bytes = Arrays.copyOf(bytes, Math.max(16, 2 * count));
        }
        bytes[count++] = (byte) only;
        state = machine.next(state, only);
      }
    }
    return count == 0 ? NO_BYTES : Arrays.copyOf(bytes, count);
  }

  /**
   * Returns tokens that write the {@link #forcedBytes}, so that they need not be chosen one by one:
   * as the tokenizer cuts these bytes, without the last of those tokens, which might be longer with
   * what follows, unless the text ends there. Each of them is allowed where it stands. None if the
   * bytes end within a character and nothing is before it.
   */
  @Override
  public int[] forced() {
    byte[] bytes = forcedBytes();
    if (bytes.length == 0 || !begun[tokens] && masks.locals(true) != masks.locals(false)) {
      return NONE; // with a dummy prefix, the first token is the model's choice
    }
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return NONE;
    }
    int[] ids = masks.tokenizer().encodeWithin(text);
    int kept = 0;
    int place = 0;
    for (int id : ids) {
      byte[] written = masks.text(id, false);
      int end = written == null ? -1 : place + written.length;
      if (end < 0
          || end > bytes.length
          || !Arrays.equals(bytes, place, end, written, 0, written.length)) {
        break;
      }
      place = end;
      kept++;
    }
    boolean whole = place == bytes.length && endsAfter(bytes);
    return Arrays.copyOf(ids, whole ? kept : Math.max(0, Math.min(kept, ids.length - 1)));
  }

  private boolean endsAfter(byte[] bytes) {
    synchronized (shared) {
      int state = after(states[tokens], bytes);
      return machine.onlyByte(state) == ByteMachine.NO_BYTE;
    }
  }

  /** Returns what may follow, for a person: a few of the possible beginnings. */
  public List<String> expected() {
    synchronized (shared) {
      return Expectation.of(machine, states[tokens]);
    }
  }

  private void requireOpen() {
    if (ended) {
      throw new IllegalStateException("constraint: the text has ended");
    }
  }
}
