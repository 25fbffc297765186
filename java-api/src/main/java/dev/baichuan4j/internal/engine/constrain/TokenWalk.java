package dev.baichuan4j.internal.engine.constrain;

import java.util.Arrays;

/** Reads the tokens of a trie with a machine. For one thread at a time. */
final class TokenWalk {
  private static final int UNKNOWN = -1;

  private final ByteMachine machine;
  private final PlainReach plainReach = new PlainReach();
  private final int[] states; // by depth in the trie
  private int[] reaches = new int[64]; // by state of the machine
  private int steps;

  /**
   * @param maxDepth of the tries
   */
  TokenWalk(ByteMachine machine, int maxDepth) {
    this.machine = machine;
    this.states = new int[maxDepth + 1];
    Arrays.fill(reaches, UNKNOWN);
  }

  ByteMachine machine() {
    return machine;
  }

  /** Bytes that were read so far. */
  int steps() {
    return steps;
  }

  void put(int depth, int state) {
    states[depth] = state;
  }

  /** Reads the byte of a node behind its parent; returns whether it can be read. */
  boolean read(TokenTrie trie, int node) {
    int depth = trie.depth(node);
    int state = machine.next(states[depth - 1], trie.label(node));
    steps++;
    states[depth] = state;
    return state != ByteMachine.DEAD;
  }

  /**
   * Sets the bits of the tokens in a subtree that the machine can read.
   *
   * @param top the node at the top of the subtree, not the root; the state of its parent was put or
   *     read
   */
  void readAll(TokenTrie trie, int top, long[] mask) {
    int end = trie.end(top);
    for (int node = top; node < end; ) {
      if (!read(trie, node)) {
        node = trie.end(node);
      } else if (trie.isLargeAndPlain(node)
          && trie.restIsWithin(node, reach(states[trie.depth(node)]))) {
        trie.addSubtree(node, mask);
        node = trie.end(node);
      } else {
        trie.addTokens(node, mask);
        node++;
      }
    }
  }

  /** The plain texts that one of the lexemes of a state reads in any case. */
  private int reach(int state) {
    if (state >= reaches.length) {
      int before = reaches.length;
      reaches = Arrays.copyOf(reaches, Math.max(state + 1, 2 * before));
      Arrays.fill(reaches, before, reaches.length, UNKNOWN);
    }
    if (reaches[state] == UNKNOWN) {
      reaches[state] = plainReach.of(machine.lexemes(state));
    }
    return reaches[state];
  }
}
