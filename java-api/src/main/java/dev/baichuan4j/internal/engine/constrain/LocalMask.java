package dev.baichuan4j.internal.engine.constrain;

/**
 * What {@link Lexemes} alone say of the tokens: those that stay within a lexeme, which are allowed
 * in every context, and where others leave one, which the context decides about. Immutable.
 */
final class LocalMask {
  private final TokenTrie trie;
  private final long[] within; // tokens that stay within a lexeme
  private final int[] nodes; // of the trie, in preorder: those on the way to an exit
  private final int[] firstExits; // [nodes + 1]: places in exits
  private final int[] exits; // tops of subtrees in the trie that leave every lexeme
  private final int[] endings; // those of them whose parent ends a lexeme, by their own byte
  private final boolean single; // one lexeme
  private final ByteSet inside; // bytes of the trie that lexemes read, perhaps some others

  LocalMask(
      TokenTrie trie,
      long[] within,
      int[] nodes,
      int[] firstExits,
      int[] exits,
      int[] endings,
      boolean single,
      ByteSet inside) {
    this.trie = trie;
    this.within = within;
    this.nodes = nodes;
    this.firstExits = firstExits;
    this.exits = exits;
    this.endings = endings;
    this.single = single;
    this.inside = inside;
  }

  /** Bytes of memory that it takes, about. */
  long bytes() {
    return 8L * within.length
        + 4L * (nodes.length + firstExits.length + exits.length + endings.length);
  }

  /** Writes the mask of a state of the walk's machine that has these lexemes. */
  void complete(TokenWalk walk, int state, long[] mask) {
    System.arraycopy(within, 0, mask, 0, within.length);
    boolean leaves = exits.length > 0;
    int after = single && leaves ? walk.machine().afterLexeme(state) : ByteMachine.UNKNOWN;
    if (!leaves || after == ByteMachine.DEAD) {
      return;
    }
    if (after != ByteMachine.UNKNOWN && !mayBeginInside(walk.machine(), after)) {
      readBehind(walk, after, mask);
      return;
    }
    walk.put(0, state);
    for (int place = 0; place < nodes.length; place++) {
      int node = nodes[place];
      if (node != TokenTrie.ROOT && !walk.read(trie, node)) {
        throw new IllegalStateException("a lexeme reads what its machine does not");
      }
      for (int i = firstExits[place]; i < firstExits[place + 1]; i++) {
        walk.readAll(trie, exits[i], mask);
      }
    }
  }

  /** Whether what follows the lexeme may begin with a byte that the lexeme might read as well. */
  private boolean mayBeginInside(ByteMachine machine, int after) {
    for (int b = inside.next(0); b >= 0; b = inside.next(b + 1)) {
      if (machine.next(after, b) != ByteMachine.DEAD) {
        return true;
      }
    }
    return false;
  }

  /** Adds what leaves the lexeme where what follows it begins exactly there. */
  private void readBehind(TokenWalk walk, int after, long[] mask) {
    int label = -1;
    boolean begins = false;
    for (int exit : endings) {
      if (trie.label(exit) != label) {
        label = trie.label(exit);
        begins = walk.machine().next(after, label) != ByteMachine.DEAD;
      }
      if (begins) {
        walk.put(trie.depth(exit) - 1, after);
        walk.readAll(trie, exit, mask);
      }
    }
  }
}
