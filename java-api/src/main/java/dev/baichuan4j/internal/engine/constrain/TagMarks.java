package dev.baichuan4j.internal.engine.constrain;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What stands between the inner texts of a {@link TaggedText}, as a tree of bytes: a line break and
 * the beginnings of all tags, and the ends of tags, which lead back to the root. Immutable.
 */
final class TagMarks {
  /** Behind a tagged part. */
  static final int ROOT = 0;

  private static final int DEAD = ByteMachine.DEAD;

  private static final class Node {
    byte[] labels = {};
    int[] targets = {};
    int tag = -1; // that begins behind this node

    int next(int b) {
      for (int i = 0; i < labels.length; i++) {
        if (labels[i] == (byte) b) {
          return targets[i];
        }
      }
      return DEAD;
    }

    void put(int b, int target) {
      labels = Arrays.copyOf(labels, labels.length + 1);
      targets = Arrays.copyOf(targets, labels.length);
      labels[labels.length - 1] = (byte) b;
      targets[labels.length - 1] = target;
    }
  }

  private final List<Node> nodes = new ArrayList<>();
  private final int first;
  private final int behindTrigger;
  private final int[] ends; // by tag: the node before its end

  TagMarks(TaggedText text) {
    nodes.add(new Node());
    first = add(ROOT, "\n");
    behindTrigger = add(first, text.trigger());
    ends = new int[text.tags().size()];
    for (int tag = 0; tag < ends.length; tag++) {
      nodes.get(add(first, text.tags().get(tag).begin())).tag = tag;
      byte[] end = bytes(text.tags().get(tag).end());
      ends[tag] = nodes.size();
      for (int i = 0; i < end.length; i++) {
        nodes.add(new Node());
        boolean last = i == end.length - 1;
        nodes.get(nodes.size() - 1).put(end[i], last ? ROOT : nodes.size());
      }
    }
  }

  private int add(int from, String text) {
    int node = from;
    for (byte b : bytes(text)) {
      int next = nodes.get(node).next(b);
      if (next == DEAD) {
        next = nodes.size();
        nodes.get(node).put(b, next);
        nodes.add(new Node());
      }
      node = next;
    }
    return node;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Before a tagged part. */
  int first() {
    return first;
  }

  int behindTrigger() {
    return behindTrigger;
  }

  /** Before the end of a tag. */
  int end(int tag) {
    return ends[tag];
  }

  /** The tag whose inner text begins at a node; -1 if none does. */
  int tag(int node) {
    return nodes.get(node).tag;
  }

  int next(int node, int b) {
    return nodes.get(node).next(b);
  }

  /** As {@link ByteMachine#onlyByte}. */
  int onlyByte(int node) {
    byte[] labels = nodes.get(node).labels;
    return labels.length == 1
        ? labels[0] & 0xFF
        : labels.length == 0 ? ByteMachine.NO_BYTE : ByteMachine.SEVERAL_BYTES;
  }
}
