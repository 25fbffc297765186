package dev.baichuan4j.internal.engine;

import dev.baichuan4j.internal.arch.Layout;
import java.util.Arrays;

/**
 * The tokens of one text, and the pages that hold what the model computed of them. It may share
 * pages with other texts; {@link CachePool#extend} sees to it that those it writes to are its own.
 * Owned by the engine's thread.
 */
final class Sequence {
  private final int promptLength;
  private final int[] tokens;
  private int length;
  private int cached;
  private final int[] pages;
  private int pageCount;

  /**
   * @param positions most tokens that it will have
   */
  Sequence(int[] prompt, int positions) {
    this.tokens = Arrays.copyOf(prompt, positions);
    this.length = prompt.length;
    this.promptLength = prompt.length;
    this.pages = new int[Layout.pagesFor(positions)];
  }

  void append(int token) {
    tokens[length++] = token;
  }

  int[] tokens() {
    return tokens;
  }

  int length() {
    return length;
  }

  /** Tokens that were given, before those that were generated. */
  int promptLength() {
    return promptLength;
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

  /** Page numbers, of which the first {@link #pageCount} are valid. */
  int[] pages() {
    return pages;
  }

  int pageCount() {
    return pageCount;
  }

  void addPage(int page) {
    pages[pageCount++] = page;
  }

  void replacePage(int slot, int page) {
    pages[slot] = page;
  }

  /** Begins with pages that have its first tokens computed. */
  void startFrom(int[] computedPages, int computedTokens) {
    pageCount = computedPages.length;
    System.arraycopy(computedPages, 0, pages, 0, pageCount);
    cached = computedTokens;
  }

  /** Has no pages any more, and everything to compute. */
  void forgetPages() {
    pageCount = 0;
    cached = 0;
  }
}
