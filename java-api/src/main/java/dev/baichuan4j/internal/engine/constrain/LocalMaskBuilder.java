package dev.baichuan4j.internal.engine.constrain;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Computes {@link LocalMask}s over a trie, one after the other. For one thread at a time. */
final class LocalMaskBuilder {
  private static final int MOST_PLAIN_MASKS = 64;
  private static final int UNKNOWN = -1;

  private final TokenTrie trie;
  private final int[][] states; // by depth, then lexeme
  private final boolean[] accepted; // by depth: some lexeme accepts here or before
  private final boolean[] accepts; // by depth: some lexeme accepts here
  private final int[] path; // by depth: the node
  private final int[] places; // by depth: its place in nodes, -1 if it is not there
  private final PlainReach plainReach = new PlainReach();
  private final Map<Integer, long[]> plainMasks = new LinkedHashMap<>(); // by reach
  private Dfa reachAutomaton; // of the reaches
  private int[] reaches = new int[64]; // by state
  private ByteSet inside = new ByteSet();
  private boolean single;
  private int reach; // plain texts that are within a lexeme in any case
  private boolean closed; // nothing can follow a lexeme
  private int[] nodes = new int[256];
  private int[] exits = new int[256];
  private int[] exitPlaces = new int[256]; // of each exit: the place of its parent
  private int[] endings = new int[256];
  private int nodeCount;
  private int endingCount;
  private int exitCount;

  LocalMaskBuilder(TokenTrie trie) {
    this.trie = trie;
    this.states = new int[trie.maxDepth() + 1][];
    this.accepted = new boolean[trie.maxDepth() + 1];
    this.accepts = new boolean[trie.maxDepth() + 1];
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
    accepts[0] = count == 0; // nothing is known: all tokens leave at once
    for (int i = 0; i < count; i++) {
      states[0][i] = lexemes.state(i);
      accepts[0] |= lexemes.automaton(i).accepting(lexemes.state(i));
    }
    accepted[0] = accepts[0];
    path[0] = TokenTrie.ROOT;
    Arrays.fill(places, -1);
    nodeCount = 0;
    endingCount = 0;
    exitCount = 0;
    closed = lexemes.isClosed();
    single = count == 1;
    inside = new ByteSet();
    reach = plainReach.of(lexemes);
    CharacterGroups.addBytes(Reach.groups(reach), inside);
    long[] within = reach == Reach.NONE ? new long[trie.words()] : plainMask(reach).clone();
    if (count == 1) {
      walk(lexemes.automaton(0), within);
    } else {
      walk(lexemes, within);
    }
    return finish(within);
  }

  private long[] plainMask(int wanted) {
    long[] mask = plainMasks.get(wanted);
    if (mask == null) {
      mask = new long[trie.words()];
      trie.addWithin(wanted, mask);
      plainMasks.put(wanted, mask);
      if (plainMasks.size() > MOST_PLAIN_MASKS) {
        plainMasks.remove(plainMasks.keySet().iterator().next());
      }
    }
    return mask;
  }

  private void walk(Dfa automaton, long[] within) {
    for (int node = 1; node < trie.nodes(); ) {
      if (trie.isWithin(node, reach)) {
        node = trie.end(node);
        continue;
      }
      int depth = trie.depth(node);
      int state = automaton.next(states[depth - 1][0], trie.label(node));
      if (state == Dfa.DEAD) {
        node = leave(node, depth);
      } else {
        states[depth][0] = state;
        int below = trie.isLargeAndPlain(node) ? reach(automaton, state) : Reach.NONE;
        node =
            below != Reach.NONE && trie.restIsWithin(node, below)
                ? staySubtree(node, below, within)
                : stay(node, depth, automaton.accepting(state), within);
      }
    }
  }

  private void walk(Lexemes lexemes, long[] within) {
    int count = lexemes.size();
    for (int node = 1; node < trie.nodes(); ) {
      if (trie.isWithin(node, reach)) {
        node = trie.end(node);
        continue;
      }
      int depth = trie.depth(node);
      int label = trie.label(node);
      boolean lives = false;
      boolean ends = false;
      for (int i = 0; i < count; i++) {
        int before = states[depth - 1][i];
        int state = before == Dfa.DEAD ? before : lexemes.automaton(i).next(before, label);
        states[depth][i] = state;
        lives |= state != Dfa.DEAD;
        ends |= state != Dfa.DEAD && lexemes.automaton(i).accepting(state);
      }
      node = lives ? stay(node, depth, ends, within) : leave(node, depth);
    }
  }

  /** Some lexeme reads on: the node's tokens are allowed. Returns the next node. */
  private int stay(int node, int depth, boolean ends, long[] within) {
    accepts[depth] = ends;
    accepted[depth] = ends || accepted[depth - 1];
    path[depth] = node;
    places[depth] = -1;
    trie.addTokens(node, within);
    inside.add(trie.label(node));
    return node + 1;
  }

  /** Some lexeme reads all that is below: so are those of the subtree. Returns the next node. */
  private int staySubtree(int node, int below, long[] within) {
    CharacterGroups.addBytes(Reach.groups(below), inside);
    inside.add(trie.label(node));
    trie.addSubtree(node, within);
    return trie.end(node);
  }

  private int reach(Dfa automaton, int state) {
    if (automaton != reachAutomaton) {
      reachAutomaton = automaton;
      Arrays.fill(reaches, UNKNOWN);
    }
    if (state >= reaches.length) {
      int before = reaches.length;
      reaches = Arrays.copyOf(reaches, 2 * state);
      Arrays.fill(reaches, before, reaches.length, UNKNOWN);
    }
    if (reaches[state] == UNKNOWN) {
      reaches[state] = plainReach.of(automaton, state);
    }
    return reaches[state];
  }

  /** No lexeme reads on: what is below is allowed only where one has ended. */
  private int leave(int node, int depth) {
    if (accepted[depth - 1] && !closed) {
      if (exitCount == exits.length) {
        exits = Arrays.copyOf(exits, 2 * exitCount);
        exitPlaces = Arrays.copyOf(exitPlaces, 2 * exitCount);
      }
      exitPlaces[exitCount] = place(depth - 1);
      exits[exitCount++] = node;
      if (accepts[depth - 1]) {
        if (endingCount == endings.length) {
          endings = Arrays.copyOf(endings, 2 * endingCount);
        }
        endings[endingCount++] = node;
      }
    }
    return trie.end(node);
  }

  /** The place in nodes of the node of a depth, which comes there with those above it. */
  private int place(int depth) {
    for (int d = 0; d <= depth; d++) {
      if (places[d] < 0) {
        if (nodeCount == nodes.length) {
          nodes = Arrays.copyOf(nodes, 2 * nodeCount);
        }
        nodes[nodeCount] = path[d];
        places[d] = nodeCount++;
      }
    }
    return places[depth];
  }

  private LocalMask finish(long[] within) {
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
        firstExits,
        sorted,
        trie.sortedByLabel(Arrays.copyOf(endings, endingCount)),
        single,
        inside);
  }
}
