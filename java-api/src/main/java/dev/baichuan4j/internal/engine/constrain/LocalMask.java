package dev.baichuan4j.internal.engine.constrain;

import java.util.Arrays;

/**
 * What {@link Lexemes} alone say of the tokens: those that stay within a lexeme, which are allowed
 * in every context, and where others leave one, which the context decides about. Immutable.
 */
final class LocalMask {
  private final TokenTrie trie;
  private final long[] within; // tokens that stay within a lexeme
  private final int[] nodes; // of the trie, in preorder: those on the way to an exit
  private final int[] ends; // by place in nodes: the place behind the subtree
  private final int[] firstExits; // [nodes + 1]: places in exits
  private final int[] exits; // tops of subtrees in the trie that leave every lexeme

  private LocalMask(
      TokenTrie trie, long[] within, int[] nodes, int[] ends, int[] firstExits, int[] exits) {
    this.trie = trie;
    this.within = within;
    this.nodes = nodes;
    this.ends = ends;
    this.firstExits = firstExits;
    this.exits = exits;
  }

  /** Bytes of memory that it takes, about. */
  long bytes() {
    return 8L * within.length
        + 4L * (nodes.length + ends.length + firstExits.length + exits.length);
  }

  /**
   * Writes the mask of a state that has these lexemes.
   *
   * @param states room for {@code trie.maxDepth() + 1} states
   * @return how many bytes the machine read
   */
  int complete(ByteMachine machine, int state, int[] states, long[] mask) {
    System.arraycopy(within, 0, mask, 0, within.length);
    states[0] = state;
    int steps = 0;
    for (int place = 0; place < nodes.length; ) {
      int node = nodes[place];
      int depth = trie.depth(node);
      if (node != TokenTrie.ROOT) {
        int next = machine.next(states[depth - 1], trie.label(node));
        steps++;
        if (next == ByteMachine.DEAD) { // cannot be, as the lexeme lives
          place = ends[place];
          continue;
        }
        states[depth] = next;
      }
      for (int i = firstExits[place]; i < firstExits[place + 1]; i++) {
        steps += trie.walk(exits[i], machine, states, mask);
      }
      place++;
    }
    return steps;
  }

  /** Computes the masks of a trie, one after the other. For one thread at a time. */
  static final class Builder {
    private final TokenTrie trie;
    private final int[][] states; // by depth, then lexeme
    private final boolean[] accepted; // by depth: some lexeme accepts here or before
    private final int[] path; // by depth: the node
    private final int[] places; // by depth: its place in nodes, -1 if it is not there
    private int[] nodes = new int[256];
    private int[] ends = new int[256];
    private int[] exits = new int[256];
    private int[] exitPlaces = new int[256]; // of each exit: the place of its parent
    private int nodeCount;
    private int exitCount;

    Builder(TokenTrie trie) {
      this.trie = trie;
      this.states = new int[trie.maxDepth() + 1][];
      this.accepted = new boolean[trie.maxDepth() + 1];
      this.path = new int[trie.maxDepth() + 1];
      this.places = new int[trie.maxDepth() + 1];
    }

    LocalMask build(Lexemes lexemes) {
      int count = lexemes.size();
      for (int depth = 0; depth < states.length; depth++) {
        if (states[depth] == null || states[depth].length < count) {
          states[depth] = new int[count];
        }
      }
      boolean accepts = count == 0; // nothing is known: all tokens leave at once
      for (int i = 0; i < count; i++) {
        states[0][i] = lexemes.state(i);
        accepts |= lexemes.automaton(i).accepting(lexemes.state(i));
      }
      accepted[0] = accepts;
      path[0] = TokenTrie.ROOT;
      Arrays.fill(places, -1);
      nodeCount = 0;
      exitCount = 0;
      long[] within = new long[trie.words()];
      if (count == 1) {
        walk(lexemes.automaton(0), within);
      } else {
        walk(lexemes, within);
      }
      return finish(within);
    }

    private void walk(Dfa automaton, long[] within) {
      for (int node = 1; node < trie.nodes(); ) {
        int depth = trie.depth(node);
        int state = automaton.next(states[depth - 1][0], trie.label(node));
        if (state == Dfa.DEAD) {
          node = leave(node, depth);
        } else {
          states[depth][0] = state;
          node = stay(node, depth, automaton.accepting(state), within);
        }
      }
    }

    private void walk(Lexemes lexemes, long[] within) {
      int count = lexemes.size();
      for (int node = 1; node < trie.nodes(); ) {
        int depth = trie.depth(node);
        int label = trie.label(node);
        boolean lives = false;
        boolean accepts = false;
        for (int i = 0; i < count; i++) {
          int before = states[depth - 1][i];
          int state = before == Dfa.DEAD ? before : lexemes.automaton(i).next(before, label);
          states[depth][i] = state;
          lives |= state != Dfa.DEAD;
          accepts |= state != Dfa.DEAD && lexemes.automaton(i).accepting(state);
        }
        node = lives ? stay(node, depth, accepts, within) : leave(node, depth);
      }
    }

    /** Some lexeme reads on: the node's tokens are allowed. Returns the next node. */
    private int stay(int node, int depth, boolean accepts, long[] within) {
      accepted[depth] = accepts || accepted[depth - 1];
      path[depth] = node;
      places[depth] = -1;
      trie.addTokens(node, within);
      return node + 1;
    }

    /** No lexeme reads on: what is below is allowed only where one has ended. */
    private int leave(int node, int depth) {
      if (accepted[depth - 1]) {
        if (exitCount == exits.length) {
          exits = Arrays.copyOf(exits, 2 * exitCount);
          exitPlaces = Arrays.copyOf(exitPlaces, 2 * exitCount);
        }
        exitPlaces[exitCount] = place(depth - 1);
        exits[exitCount++] = node;
      }
      return trie.end(node);
    }

    /** The place in nodes of the node of a depth, which comes there with those above it. */
    private int place(int depth) {
      for (int d = 0; d <= depth; d++) {
        if (places[d] < 0) {
          if (nodeCount == nodes.length) {
            nodes = Arrays.copyOf(nodes, 2 * nodeCount);
            ends = Arrays.copyOf(ends, 2 * nodeCount);
          }
          nodes[nodeCount] = path[d];
          places[d] = nodeCount++;
        }
      }
      return places[depth];
    }

    private LocalMask finish(long[] within) {
      for (int place = nodeCount - 1; place >= 0; place--) {
        int end = place + 1;
        while (end < nodeCount && nodes[end] < trie.end(nodes[place])) {
          end = ends[end];
        }
        ends[place] = end;
      }
      // Exits were found in preorder, where a node's own may come after those below it.
      int[] firstExits = new int[nodeCount + 1];
      for (int i = 0; i < exitCount; i++) {
        firstExits[exitPlaces[i] + 1]++;
      }
      for (int place = 0; place < nodeCount; place++) {
        firstExits[place + 1] += firstExits[place];
      }
      int[] next = firstExits.clone();
      int[] sorted = new int[exitCount];
      for (int i = 0; i < exitCount; i++) {
        sorted[next[exitPlaces[i]]++] = exits[i];
      }
      return new LocalMask(
          trie,
          within,
          Arrays.copyOf(nodes, nodeCount),
          Arrays.copyOf(ends, nodeCount),
          firstExits,
          sorted);
    }
  }
}
