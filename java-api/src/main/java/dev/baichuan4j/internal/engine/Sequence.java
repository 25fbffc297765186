package dev.baichuan4j.internal.engine;

import dev.baichuan4j.internal.arch.Layout;
import java.util.Arrays;

/**
 * The tokens of one text, and the pages that hold what the model computed of them. Owned by the
 * engine's thread.
 */
final class Sequence {
  private final PagePool pool;
  private int[] tokens;
  private int length;
  private int cached;
  private int[] pages = new int[0];
  private int pageCount;

  Sequence(PagePool pool, int[] prompt) {
    this.pool = pool;
    this.tokens = prompt.clone();
    this.length = prompt.length;
  }

  /**
   * Becomes the sequence of another prompt: what both have in common stays computed, but for the
   * last token, whose logits are wanted.
   */
  void restart(int[] prompt) {
    int common = 0;
    int limit = Math.min(cached, prompt.length - 1);
    while (common < limit && tokens[common] == prompt[common]) {
      common++;
    }
    tokens = prompt.clone();
    length = prompt.length;
    cached = common;
  }

  /** Appends a token, within the positions that are reserved. */
  void append(int token) {
    tokens[length++] = token;
  }

  int[] tokens() {
    return tokens;
  }

  int length() {
    return length;
  }

  /** Positions whose keys and values are in the pages. */
  int cached() {
    return cached;
  }

  void computed(int count) {
    cached += count;
  }

  /** Tokens still to be fed. */
  int pending() {
    return length - cached;
  }

  int[] pages() {
    return pages;
  }

  /**
   * Takes room for a number of positions, the pages included; returns false, with nothing taken,
   * when the pool has too few pages.
   */
  boolean reserve(int positions) {
    int needed = Layout.pagesFor(positions) - pageCount;
    if (needed > pool.free()) {
      return false;
    }
    if (tokens.length < positions) {
      tokens = Arrays.copyOf(tokens, positions);
    }
    if (needed > 0) {
      pages = Arrays.copyOf(pages, pageCount + needed);
      for (int i = 0; i < needed; i++) {
        pages[pageCount++] = pool.take();
      }
    }
    return true;
  }

  /** Gives back the pages past what is computed. */
  void trim() {
    int keep = Layout.pagesFor(cached);
    while (pageCount > keep) {
      pool.release(pages[--pageCount]);
    }
  }

  void release() {
    cached = 0;
    trim();
  }
}
