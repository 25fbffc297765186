package dev.baichuan4j.internal.tokenizer;

import java.util.Arrays;
import java.util.function.IntFunction;

/**
 * Finds the longest user-defined symbol at a place of a text: a trie over UTF-16 units. Immutable.
 */
final class SymbolMatcher {
  /** What {@link #match} answers where no symbol begins. */
  static final long NO_MATCH = -1;

  private static final int ROOT = 0;

  private final long[] firsts = new long[1 << 10]; // a bit per UTF-16 unit that begins a symbol
  private final PairMap children = new PairMap(); // node, unit -> node
  private int[] ids = {-1}; // per node: the symbol that ends here, or -1
  private int nodes = 1;

  /**
   * Builds the trie of some symbols.
   *
   * @param texts the text of a symbol by its id, not empty
   */
  SymbolMatcher(IntFunction<String> texts, int[] symbols) {
    for (int id : symbols) {
      String text = texts.apply(id);
      int node = ROOT;
      for (int i = 0; i < text.length(); i++) {
        node = childOrNew(node, text.charAt(i));
      }
      ids[node] = id;
      firsts[text.charAt(0) >>> 6] |= 1L << text.charAt(0);
    }
  }

  private int childOrNew(int node, char unit) {
    int child = children.find(node, unit);
    if (child == PairMap.NONE) {
      if (nodes == ids.length) {
        ids = Arrays.copyOf(ids, 2 * nodes);
        Arrays.fill(ids, nodes, ids.length, -1);
      }
      child = nodes++;
      children.put(node, unit, child);
    }
    return child;
  }

  /** Whether a symbol begins with this unit. */
  boolean begins(char unit) {
    return (firsts[unit >>> 6] >>> unit & 1) != 0;
  }

  /** The longest symbol at a place, for {@link #id} and {@link #length}, or {@link #NO_MATCH}. */
  long match(String text, int at) {
    long longest = NO_MATCH;
    int node = ROOT;
    for (int i = at; i < text.length(); i++) {
      node = children.find(node, text.charAt(i));
      if (node == PairMap.NONE) {
        break;
      }
      if (ids[node] >= 0) {
        longest = (long) (i + 1 - at) << 32 | ids[node];
      }
    }
    return longest;
  }

  static int id(long match) {
    return (int) match;
  }

  static int length(long match) {
    return (int) (match >>> 32);
  }
}
