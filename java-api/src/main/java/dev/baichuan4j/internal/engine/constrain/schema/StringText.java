package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.Dfa;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Strings of a language as JSON: from behind the opening quotation mark to the closing one, each
 * character for itself or escaped.
 */
final class StringText extends Dfa {
  private static final int MAX_STATES = 1 << 16;
  private static final int UNKNOWN = -2;
  private static final int END = 0;

  private final Dfa content;
  private final int start;
  private final Map<Long, Integer> numbers = new HashMap<>(); // of packed states; guarded by this
  private long[] states = new long[16];
  private volatile int[][] rows = new int[16][];

  StringText(Dfa content) {
    this.content = content;
    synchronized (this) {
      number(Escapes.pack(-1, Escapes.NONE)); // the end
      start = content.start() == DEAD ? DEAD : number(Escapes.pack(content.start(), Escapes.NONE));
    }
  }

  @Override
  public int start() {
    return start;
  }

  @Override
  public boolean accepting(int state) {
    return state == END;
  }

  @Override
  public boolean continues(int state) {
    return state != END;
  }

  @Override
  public int next(int state, int b) {
    int[] row = rows[state];
    int next = row == null ? UNKNOWN : row[b];
    return next == UNKNOWN ? find(state, b) : next;
  }

  private synchronized int find(int state, int b) {
    int[] row = rows[state];
    if (row == null) {
      row = new int[256];
      Arrays.fill(row, UNKNOWN);
      rows[state] = row;
    }
    row[b] = state == END ? DEAD : make(states[state], b);
    return row[b];
  }

  private int make(long packed, int b) {
    int state = Escapes.state(packed);
    int place = Escapes.place(packed);
    if (b == '"' && place == Escapes.NONE) {
      return content.accepting(state) ? END : DEAD;
    }
    long next = Escapes.next(content::next, state, place, b);
    return next == Escapes.DEAD ? DEAD : number(next);
  }

  private int number(long packed) {
    Integer known = numbers.get(packed);
    if (known != null) {
      return known;
    }
    int number = numbers.size();
    if (number == MAX_STATES) {
      throw new InvalidRequestException(
          "schema",
          "schema has a string that needs more than "
              + MAX_STATES
              + " states, expected fewer; bound its length, or simplify its pattern");
    }
    if (number == rows.length) {
      states = Arrays.copyOf(states, 2 * number);
      rows = Arrays.copyOf(rows, 2 * number);
    }
    states[number] = packed;
    numbers.put(packed, number);
    return number;
  }
}
