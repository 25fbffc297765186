package dev.baichuan4j.internal.engine.constrain;

import java.util.Arrays;
import java.util.function.IntFunction;

/**
 * The pieces of a vocabulary by the bytes that they write, as a tree whose nodes are numbered in
 * preorder: a walk is one pass over arrays, and a subtree is skipped by one assignment. Immutable.
 */
final class TokenTrie {
  static final int ROOT = 0;

  private final int vocabulary;
  private final byte[] labels; // [nodes]: the byte that leads here
  private final short[] depths; // [nodes]: bytes from the root
  private final int[] ends; // [nodes]: the first node behind the subtree
  private final int[] firstTokens; // [nodes + 1]: places in tokens
  private final int[] tokens; // in the order of their nodes
  private final int[] kinds; // of tokens: groups and number of their characters
  private final int[] subtrees; // [nodes]: groups of all tokens below, characters of the longest
  private final int[] rests; // [nodes]: the same for what follows the node in the tokens below it
  private final int maxDepth;

  /**
   * @param vocabulary V, the number of tokens
   * @param bytes what each token writes, perhaps nothing; null for one that writes no text
   * @throws IllegalArgumentException if a token writes 32,768 bytes or more
   */
  TokenTrie(int vocabulary, IntFunction<byte[]> bytes) {
    this.vocabulary = vocabulary;
    byte[][] texts = new byte[vocabulary][];
    int count = 0;
    int total = 1;
    for (int id = 0; id < vocabulary; id++) {
      texts[id] = bytes.apply(id);
      if (texts[id] != null) {
        count++;
        total += texts[id].length;
      }
    }
    tokens = sorted(texts, count);
    byte[] label = new byte[total];
    short[] depth = new short[total];
    int[] end = new int[total];
    int[] firstToken = new int[total + 1];
    int nodes = 1;
    int deepest = 0;
    byte[] path = {};
    int[] nodeAt = new int[1]; // by depth, of the path
    for (int i = 0; i < tokens.length; i++) {
      byte[] text = texts[tokens[i]];
      if (text.length > Short.MAX_VALUE) {
        throw new IllegalArgumentException(
            "token " + tokens[i] + " has " + text.length + " bytes, expected fewer than 32768");
      }
      int common = Arrays.mismatch(path, text);
      common = common < 0 ? text.length : common;
      for (int d = path.length; d > common; d--) {
        end[nodeAt[d]] = nodes;
      }
      if (nodeAt.length <= text.length) {
        nodeAt = Arrays.copyOf(nodeAt, text.length + 1);
      }
      for (int d = common; d < text.length; d++) {
        label[nodes] = text[d];
        depth[nodes] = (short) (d + 1);
        firstToken[nodes] = i;
        nodeAt[d + 1] = nodes++;
      }
      deepest = Math.max(deepest, text.length);
      path = text;
    }
    for (int d = path.length; d >= 0; d--) {
      end[nodeAt[d]] = nodes;
    }
    firstToken[nodes] = tokens.length;
    labels = Arrays.copyOf(label, nodes);
    depths = Arrays.copyOf(depth, nodes);
    ends = Arrays.copyOf(end, nodes);
    firstTokens = Arrays.copyOf(firstToken, nodes + 1);
    maxDepth = deepest;
    kinds = new int[count];
    subtrees = new int[nodes];
    rests = new int[nodes];
    sumUpKinds(texts);
  }

  private void sumUpKinds(byte[][] texts) {
    int[] path = new int[maxDepth + 1]; // by depth
    for (int node = 0; node < nodes(); node++) {
      path[depths[node]] = node;
      for (int i = firstTokens[node]; i < firstTokens[node + 1]; i++) {
        int[] kind = {0};
        CharacterGroups.rests(
            texts[tokens[i]],
            (place, groups, characters) -> {
              int rest = Reach.of(groups, characters);
              rests[path[place]] = Reach.max(rests[path[place]], rest);
              kind[0] = place == 0 ? rest : kind[0];
            });
        kinds[i] = kind[0];
        for (int depth = 0; depth <= depths[node]; depth++) {
          subtrees[path[depth]] = Reach.max(subtrees[path[depth]], kinds[i]);
        }
      }
    }
  }

  private static int[] sorted(byte[][] texts, int count) {
    Integer[] order = new Integer[count];
    int place = 0;
    for (int id = 0; id < texts.length; id++) {
      if (texts[id] != null) {
        order[place++] = id;
      }
    }
    Arrays.sort(
        order,
        (a, b) -> {
          int byText = Arrays.compareUnsigned(texts[a], texts[b]);
          return byText != 0 ? byText : Integer.compare(a, b);
        });
    return Arrays.stream(order).mapToInt(id -> id).toArray();
  }

  /** V, the number of tokens. */
  int vocabulary() {
    return vocabulary;
  }

  /** Words of a mask over the vocabulary. */
  int words() {
    return (vocabulary + 63) / 64;
  }

  int nodes() {
    return labels.length;
  }

  int label(int node) {
    return labels[node] & 0xFF;
  }

  int depth(int node) {
    return depths[node];
  }

  /** The first node behind the subtree of a node. */
  int end(int node) {
    return ends[node];
  }

  int maxDepth() {
    return maxDepth;
  }

  /** Sets the bits of the tokens that end at a node. */
  void addTokens(int node, long[] mask) {
    for (int i = firstTokens[node]; i < firstTokens[node + 1]; i++) {
      mask[tokens[i] >>> 6] |= 1L << tokens[i];
    }
  }

  /** Returns whether all tokens of a subtree are among the plain texts of a {@link Reach}. */
  boolean isWithin(int node, int reach) {
    return Reach.contains(reach, subtrees[node]);
  }

  /** Returns whether what follows a node, in all tokens below it, is within a {@link Reach}. */
  boolean restIsWithin(int node, int reach) {
    return Reach.contains(reach, rests[node]);
  }

  /** Sets the bits of the tokens that are among the plain texts of a {@link Reach}. */
  void addWithin(int reach, long[] mask) {
    for (int i = 0; i < tokens.length; i++) {
      if (Reach.contains(reach, kinds[i])) {
        mask[tokens[i] >>> 6] |= 1L << tokens[i];
      }
    }
  }

  /** Sets the bits of all tokens of a subtree. */
  void addSubtree(int node, long[] mask) {
    int end = firstTokens[ends[node]];
    for (int i = firstTokens[node]; i < end; i++) {
      mask[tokens[i] >>> 6] |= 1L << tokens[i];
    }
  }

  /** Returns nodes in the order of the bytes that lead to them. */
  int[] sortedByLabel(int[] nodes) {
    int[] places = new int[257];
    for (int node : nodes) {
      places[label(node) + 1]++;
    }
    for (int b = 0; b < 256; b++) {
      places[b + 1] += places[b];
    }
    int[] sorted = new int[nodes.length];
    for (int node : nodes) {
      sorted[places[label(node)]++] = node;
    }
    return sorted;
  }

  /** Whether many nodes are below a node, and only characters of some group behind it. */
  boolean isLargeAndPlain(int node) {
    return ends[node] - node > 8 && (rests[node] & CharacterGroups.OTHER) == 0;
  }
}
