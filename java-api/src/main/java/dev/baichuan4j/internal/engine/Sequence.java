package dev.baichuan4j.internal.engine;

import dev.baichuan4j.internal.arch.Layout;
import java.util.Arrays;

/**
 * The tokens of one text, and the pages that hold what the model computed of them. It may share
 * pages with other texts; {@link CachePool#extend} sees to it that those it writes to are its own.
 * Owned by the engine's thread.
 */
final class Sequence {
  private final String salt;
  private final int promptLength;
  private final int[] tokens;
  private int length;
  private int cached;
  private int drafted; // tokens behind the last that are guesses
  private int accepted;
  private final int[] pages;
  private int pageCount;

  /**
   * @param salt it shares pages with texts of the same salt alone; empty for none
   * @param positions most tokens that it will have
   */
  Sequence(String salt, int[] prompt, int positions) {
    this.salt = salt;
    this.tokens = Arrays.copyOf(prompt, positions);
    this.length = prompt.length;
    this.promptLength = prompt.length;
    this.pages = new int[Layout.pagesFor(positions)];
  }

  /**
   * Adds a token.
   *
   * @return whether it is the one that was drafted in its place; if not, no draft is left
   */
  boolean append(int token) {
    boolean foreseen = drafted > 0 && tokens[length] == token;
    if (foreseen) {
      drafted--;
      accepted++;
    } else {
      drafted = 0;
    }
    tokens[length++] = token;
    return foreseen;
  }

  /** Takes what stands behind its last token for that many drafts, and forgets others. */
  void draft(int count) {
    drafted = count;
    accepted = 0;
  }

  /** Drafts behind its last token. */
  int drafted() {
    return drafted;
  }

  /** Drafts that became tokens of the text since they were made. */
  int accepted() {
    return accepted;
  }

  String salt() {
    return salt;
  }

  /** Tokens and, behind them, drafts. */
  int[] tokens() {
    return tokens;
  }

  /** Tokens that it may still get. */
  int room() {
    return tokens.length - length;
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
