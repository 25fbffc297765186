package dev.baichuan4j.internal.engine.constrain;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** The automaton of a finite set of strings: its states are the nodes of a {@link Dawg}. */
final class StringsDfa extends Dfa {
  private final Dawg[] nodes; // by state; the first is the root
  private final int[][] targets; // by state, then edge

  StringsDfa(Dawg root) {
    Map<Dawg, Integer> numbers = new IdentityHashMap<>();
    List<Dawg> found = new ArrayList<>();
    numbers.put(root, 0);
    found.add(root);
    List<int[]> rows = new ArrayList<>();
    for (int state = 0; state < found.size(); state++) {
      Dawg[] children = found.get(state).children();
      int[] row = new int[children.length];
      for (int i = 0; i < row.length; i++) {
        Integer number = numbers.putIfAbsent(children[i], found.size());
        if (number == null) {
          row[i] = found.size();
          found.add(children[i]);
        } else {
          row[i] = number;
        }
      }
      rows.add(row);
    }
    nodes = found.toArray(Dawg[]::new);
    targets = rows.toArray(int[][]::new);
  }

  @Override
  public int start() {
    return 0;
  }

  @Override
  public int next(int state, int b) {
    int edge = nodes[state].edge(b);
    return edge < 0 ? DEAD : targets[state][edge];
  }

  @Override
  public boolean accepting(int state) {
    return nodes[state].accepting();
  }

  @Override
  public boolean continues(int state) {
    return targets[state].length > 0;
  }
}
