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

  /** A token that ends at a node; -1 if there is none. */
  int token(int node) {
    return firstTokens[node] < firstTokens[node + 1] ? tokens[firstTokens[node]] : -1;
  }

  /**
   * Sets the bits of the tokens in a subtree that a machine can read.
   *
   * @param top the node at the top of the subtree, not the root
   * @param states by depth, {@code maxDepth() + 1} of them: where the machine is at the parent of
   *     that node is there already
   * @return how many bytes were read
   */
  int walk(int top, ByteMachine machine, int[] states, long[] mask) {
    int end = ends[top];
    int steps = 0;
    for (int node = top; node < end; ) {
      int depth = depths[node];
      int state = machine.next(states[depth - 1], labels[node] & 0xFF);
      steps++;
      if (state == ByteMachine.DEAD) {
        node = ends[node];
      } else {
        states[depth] = state;
        addTokens(node, mask);
        node++;
      }
    }
    return steps;
  }
}
