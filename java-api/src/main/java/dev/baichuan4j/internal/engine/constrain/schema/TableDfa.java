package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Dfa;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** An automaton over a few symbols that is there as a whole. */
final class TableDfa extends Dfa {
  private final byte[] symbols = new byte[256]; // column of a byte, or -1
  private final int[][] rows; // by state, then symbol
  private final boolean[] accepting;
  private final boolean empty;

  /**
   * Creates the automaton without what leads nowhere.
   *
   * @param alphabet the symbols, ASCII, in the order of the columns
   * @param rows [state][symbol], the start first
   */
  TableDfa(String alphabet, int[][] rows, boolean[] accepting) {
    Arrays.fill(symbols, (byte) -1);
    for (int i = 0; i < alphabet.length(); i++) {
      symbols[alphabet.charAt(i)] = (byte) i;
    }
    this.rows = rows;
    this.accepting = accepting;
    boolean[] live = live(rows, accepting);
    this.empty = !live[0];
    for (int[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        if (row[i] != DEAD && !live[row[i]]) {
          row[i] = DEAD;
        }
      }
    }
  }

  private static boolean[] live(int[][] rows, boolean[] accepting) {
    List<List<Integer>> sources = new ArrayList<>();
    for (int i = 0; i < rows.length; i++) {
      sources.add(new ArrayList<>(2));
    }
    Deque<Integer> open = new ArrayDeque<>();
    boolean[] live = accepting.clone();
    for (int state = 0; state < rows.length; state++) {
      for (int to : rows[state]) {
        if (to != DEAD) {
          sources.get(to).add(state);
        }
      }
      if (accepting[state]) {
        open.add(state);
      }
    }
    while (!open.isEmpty()) {
      for (int source : sources.get(open.remove())) {
        if (!live[source]) {
          live[source] = true;
          open.add(source);
        }
      }
    }
    return live;
  }

  @Override
  public int start() {
    return empty ? DEAD : 0;
  }

  @Override
  public int next(int state, int b) {
    int symbol = symbols[b];
    return symbol < 0 ? DEAD : rows[state][symbol];
  }

  @Override
  public boolean accepting(int state) {
    return accepting[state];
  }

  @Override
  public boolean continues(int state) {
    for (int to : rows[state]) {
      if (to != DEAD) {
        return true;
      }
    }
    return false;
  }
}
