package dev.baichuan4j.internal.engine.constrain;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A finite set of byte strings as an acyclic automaton whose equal ends are shared: the characters
 * of a class in UTF-8, a literal, a list of choices. Immutable; this object is a node, the set of
 * what may follow from there.
 *
 * <p>Built from sorted strings as Daciuk et al. 2000, "Incremental Construction of Minimal Acyclic
 * Finite-State Automata", do it.
 */
final class Dawg {
  /** The set of the empty string. */
  static final Dawg END = new Dawg(true, new int[0], new int[0], new Dawg[0]);

  private final boolean accepting;
  private final int[] from; // ascending
  private final int[] to; // inclusive
  private final Dawg[] children;
  private final int hash;

  private Dawg(boolean accepting, int[] from, int[] to, Dawg[] children) {
    this.accepting = accepting;
    this.from = from;
    this.to = to;
    this.children = children;
    int h = Boolean.hashCode(accepting) + 31 * (Arrays.hashCode(from) + 31 * Arrays.hashCode(to));
    for (Dawg child : children) {
      h = 31 * h + child.hash;
    }
    this.hash = h;
  }

  /** A node that is still being built. */
  private static final class Draft {
    private final List<int[]> ranges = new ArrayList<>();
    private final List<Dawg> children = new ArrayList<>();
    private boolean accepting;

    private Dawg freeze(Map<Dawg, Dawg> known) {
      List<int[]> merged = new ArrayList<>();
      List<Dawg> targets = new ArrayList<>();
      for (int i = 0; i < children.size(); i++) {
        int[] range = ranges.get(i);
        int last = merged.size() - 1;
        if (last >= 0
            && targets.get(last) == children.get(i)
            && merged.get(last)[1] + 1 == range[0]) {
          merged.get(last)[1] = range[1];
        } else {
          merged.add(range.clone());
          targets.add(children.get(i));
        }
      }
      Dawg node =
          new Dawg(
              accepting,
              merged.stream().mapToInt(r -> r[0]).toArray(),
              merged.stream().mapToInt(r -> r[1]).toArray(),
              targets.toArray(Dawg[]::new));
      return known.computeIfAbsent(node, n -> n);
    }
  }

  /**
   * Returns the set of some strings.
   *
   * @param strings at least one
   */
  static Dawg ofStrings(List<byte[]> strings) {
    List<byte[]> sorted = new ArrayList<>(strings);
    sorted.sort(Arrays::compareUnsigned);
    List<int[][]> sequences = new ArrayList<>();
    for (byte[] string : sorted) {
      int[][] sequence = new int[string.length][];
      for (int i = 0; i < string.length; i++) {
        sequence[i] = new int[] {string[i] & 0xFF, string[i] & 0xFF};
      }
      sequences.add(sequence);
    }
    return ofSequences(sequences);
  }

  /** Returns the characters of a class that is not empty, each in UTF-8. */
  static Dawg ofCharacters(CodePoints set) {
    List<int[][]> sequences = new ArrayList<>();
    for (int i = 0; i < set.ranges(); i++) {
      Utf8Ranges.split(set.first(i), set.last(i), sequences::add);
    }
    return ofSequences(sequences);
  }

  /**
   * Returns the set of some sequences of byte ranges.
   *
   * @param sequences ascending, where two ranges at the same place behind equal ones are equal or
   *     apart
   */
  private static Dawg ofSequences(List<int[][]> sequences) {
    Map<Dawg, Dawg> known = new HashMap<>();
    known.put(END, END);
    List<Draft> path = new ArrayList<>();
    path.add(new Draft());
    int[][] previous = {};
    for (int[][] sequence : sequences) {
      int common = 0;
      while (common < previous.length
          && common < sequence.length
          && Arrays.equals(previous[common], sequence[common])) {
        common++;
      }
      freezeDownTo(common, path, known);
      for (int i = common; i < sequence.length; i++) {
        path.get(i).ranges.add(sequence[i]);
        path.add(new Draft());
      }
      path.get(sequence.length).accepting = true;
      previous = sequence;
    }
    freezeDownTo(0, path, known);
    return path.get(0).freeze(known);
  }

  private static void freezeDownTo(int length, List<Draft> path, Map<Dawg, Dawg> known) {
    while (path.size() - 1 > length) {
      Draft last = path.remove(path.size() - 1);
      path.get(path.size() - 1).children.add(last.freeze(known));
    }
  }

  /** Whether the empty string is in the set. */
  boolean accepting() {
    return accepting;
  }

  /** What may follow a byte; null if nothing begins with it. */
  Dawg child(int b) {
    int edge = edge(b);
    return edge < 0 ? null : children[edge];
  }

  /** The number of the edge of a byte; -1 if there is none. */
  int edge(int b) {
    int low = 0;
    for (int high = from.length; low < high; ) {
      int middle = (low + high) >>> 1;
      if (to[middle] < b) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < from.length && from[low] <= b ? low : -1;
  }

  Dawg[] children() {
    return children;
  }

  int from(int edge) {
    return from[edge];
  }

  int to(int edge) {
    return to[edge];
  }

  /** Equal nodes lead to the same nodes; two sets that were built apart are equal only if short. */
  @Override
  public boolean equals(Object other) {
    if (this == other) {
      return true;
    }
    if (!(other instanceof Dawg node)
        || hash != node.hash
        || accepting != node.accepting
        || !Arrays.equals(from, node.from)
        || !Arrays.equals(to, node.to)) {
      return false;
    }
    for (int i = 0; i < children.length; i++) {
      if (children[i] != node.children[i]) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
