package dev.baichuan4j.internal.engine;

import dev.baichuan4j.internal.arch.Layout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * Finds the pages that hold the beginning of a text. It is a tree whose nodes are pages: the way
 * from the root to a node spells the tokens from the first one on. Only a leaf may have fewer than
 * 64 tokens, the end of a text. Texts with a salt have a tree of their own for each salt. The index
 * is one holder of each of its pages, so that a page that no text uses stays until room is needed;
 * then the leaf that was used longest ago goes first. For the engine's thread.
 */
final class PrefixIndex {

  /** The beginning of a text that is in pages; valid until the index changes. */
  final class Match {
    private final int tokens;
    private final List<Node> nodes;

    private Match(int tokens, List<Node> nodes) {
      this.tokens = tokens;
      this.nodes = nodes;
    }

    /** Tokens of the text that the pages hold; they may end inside the last page. */
    int tokens() {
      return tokens;
    }

    /** Pages that texts use at the moment. */
    int inUse() {
      return (int) nodes.stream().filter(node -> pool.holders(node.page) > 1).count();
    }

    /**
     * Makes the caller a holder of the pages, and returns their numbers. Where the text goes on
     * from the end of another, the index lets go of the last page, so that the text may write to
     * it.
     */
    int[] share() {
      int[] pages = hold();
      if (pages.length > 0) {
        Node last = nodes.get(pages.length - 1);
        if (last.isEnd() && tokens == (pages.length - 1) * Layout.PAGE + last.tokens.length) {
          remove(last);
        }
      }
      return pages;
    }

    /** Makes the caller a holder of the pages, which it will not write to. */
    int[] hold() {
      int[] pages = new int[nodes.size()];
      for (int i = 0; i < pages.length; i++) {
        pages[i] = nodes.get(i).page;
        pool.retain(pages[i]);
      }
      if (pages.length > 0) {
        touch(nodes.get(pages.length - 1));
      }
      return pages;
    }
  }

  /** The tokens of a page, as a key. */
  private record Content(int[] tokens) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Content that && Arrays.equals(tokens, that.tokens);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(tokens);
    }
  }

  private static final class Node {
    final Node parent; // null: a root
    final String salt; // null: no root
    final int[] tokens;
    final int page;
    final Map<Content, Node> full = new HashMap<>(); // children of 64 tokens
    final List<Node> ends = new ArrayList<>(0); // children of fewer, none the beginning of another
    Node newer = this; // in the order of use, which is a ring
    Node older = this;

    Node(Node parent, int[] tokens, int page) {
      this(parent, null, tokens, page);
    }

    private Node(Node parent, String salt, int[] tokens, int page) {
      this.parent = parent;
      this.salt = salt;
      this.tokens = tokens;
      this.page = page;
    }

    /** A root. */
    Node(String salt) {
      this(null, salt, new int[0], PagePool.NONE);
    }

    boolean isLeaf() {
      return full.isEmpty() && ends.isEmpty();
    }

    boolean isEnd() {
      return tokens.length < Layout.PAGE;
    }

    /** Tokens that its page and a text from {@code at} to {@code end} begin with. */
    int common(int[] text, int at, int end) {
      int mismatch = Arrays.mismatch(tokens, 0, tokens.length, text, at, end);
      return mismatch < 0 ? tokens.length : mismatch;
    }
  }

  private final PagePool pool;
  private final Node root = new Node(""); // of texts without a salt; also begins the ring
  private final Map<String, Node> salted = new HashMap<>(); // other roots, each with a child
  private final Node[] nodes; // by the number of their page
  private int size;

  PrefixIndex(PagePool pool) {
    this.pool = pool;
    this.nodes = new Node[pool.pages()];
  }

  /** Pages that it holds. */
  int size() {
    return size;
  }

  /**
   * Finds the longest beginning of a text that is in pages.
   *
   * @param salt its salt; empty for none
   * @param text its tokens
   * @param limit most tokens that may be found
   */
  Match find(String salt, int[] text, int limit) {
    List<Node> nodes = new ArrayList<>();
    Node node = salt.isEmpty() ? root : salted.get(salt);
    if (node == null) {
      return new Match(0, nodes);
    }
    int at = 0;
    while (at + Layout.PAGE <= limit) {
      Node child = node.full.get(content(text, at, Layout.PAGE));
      if (child == null) {
        break;
      }
      nodes.add(child);
      node = child;
      at += Layout.PAGE;
    }
    Node last = null;
    int common = 0;
    for (Node child : children(node)) {
      int length = child.common(text, at, limit);
      if (length > common) {
        common = length;
        last = child;
      }
    }
    if (last != null) {
      nodes.add(last);
    }
    return new Match(at + common, nodes);
  }

  private static List<Node> children(Node node) {
    List<Node> children = new ArrayList<>(node.full.size() + node.ends.size());
    children.addAll(node.full.values());
    children.addAll(node.ends);
    return children;
  }

  /**
   * Takes in the pages of a text, up to its first {@code count} tokens; nobody writes to those from
   * now on. A whole page that it has already takes the place of the text's own.
   */
  void add(String salt, int[] text, int count, int[] pages) {
    if (count == 0) {
      return;
    }
    Node node = salt.isEmpty() ? root : salted.computeIfAbsent(salt, Node::new);
    for (int i = 0; i < Layout.pagesFor(count); i++) {
      int at = i * Layout.PAGE;
      int length = Math.min(Layout.PAGE, count - at);
      Node child = containing(node, text, at, length);
      if (child == null) {
        child = new Node(node, Arrays.copyOfRange(text, at, at + length), pages[i]);
        pool.retainForIndex(child.page);
        insert(child);
      } else if (length == Layout.PAGE && child.page != pages[i]) {
        pool.retain(child.page);
        pool.release(pages[i]);
        pages[i] = child.page;
      }
      node = child;
    }
    touch(node);
  }

  /** The child whose page begins with these tokens; null if there is none. */
  private static Node containing(Node node, int[] text, int at, int length) {
    if (length == Layout.PAGE) {
      return node.full.get(content(text, at, length));
    }
    for (Node child : children(node)) {
      if (child.common(text, at, at + length) == length) {
        return child;
      }
    }
    return null;
  }

  private static Content content(int[] text, int at, int length) {
    return new Content(Arrays.copyOfRange(text, at, at + length));
  }

  /** Hangs a node in the tree, in place of the ends that its page begins with. */
  private void insert(Node node) {
    Node parent = node.parent;
    for (Iterator<Node> ends = parent.ends.iterator(); ends.hasNext(); ) {
      Node end = ends.next();
      if (end.common(node.tokens, 0, node.tokens.length) == end.tokens.length) {
        ends.remove();
        forget(end);
      }
    }
    if (node.isEnd()) {
      parent.ends.add(node);
    } else {
      parent.full.put(new Content(node.tokens), node);
    }
    nodes[node.page] = node;
    size++;
  }

  /**
   * Lets go of the leaf that was used longest ago of those whose page no text uses.
   *
   * @return whether there was one, so that a page came free
   */
  boolean evict() {
    for (Node node = root.newer; node != root; node = node.newer) {
      if (node.isLeaf() && pool.holders(node.page) == 1) {
        remove(node);
        return true;
      }
    }
    return false;
  }

  /**
   * Lets go of a page that is a leaf.
   *
   * @return whether it was one
   */
  boolean letGo(int page) {
    Node node = nodes[page];
    if (node == null || !node.isLeaf()) {
      return false;
    }
    remove(node);
    return true;
  }

  private void remove(Node leaf) {
    if (leaf.isEnd()) {
      leaf.parent.ends.remove(leaf);
    } else {
      leaf.parent.full.remove(new Content(leaf.tokens));
    }
    if (leaf.parent.salt != null && leaf.parent.isLeaf()) {
      salted.remove(leaf.parent.salt);
    }
    forget(leaf);
  }

  private void forget(Node leaf) {
    unlink(leaf);
    nodes[leaf.page] = null;
    size--;
    pool.releaseFromIndex(leaf.page);
  }

  /** Makes a node and all above it the newest, and each of them newer than those below it. */
  private void touch(Node leaf) {
    for (Node node = leaf; node.parent != null; node = node.parent) {
      unlink(node);
      node.newer = root;
      node.older = root.older;
      root.older.newer = node;
      root.older = node;
    }
  }

  private static void unlink(Node node) {
    node.older.newer = node.newer;
    node.newer.older = node.older;
  }
}
