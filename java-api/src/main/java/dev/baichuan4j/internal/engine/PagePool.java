package dev.baichuan4j.internal.engine;

/**
 * Keeps account of the pages of the key-value cache: the holders of each page are counted, and a
 * page without holders is free. For the engine's thread.
 */
final class PagePool {
  /** The answer where no page is free. */
  static final int NONE = -1;

  private final int[] holders; // of each page
  private final int[] freePages; // the first `free` are free
  private int free;

  /** Pages 0 to pages - 1, all of them free; the lowest are taken first. */
  PagePool(int pages) {
    holders = new int[pages];
    freePages = new int[pages];
    for (int i = 0; i < pages; i++) {
      freePages[i] = pages - 1 - i;
    }
    free = pages;
  }

  int pages() {
    return holders.length;
  }

  int free() {
    return free;
  }

  /** Holders of a page; 0 of a free one. */
  int holders(int page) {
    return holders[page];
  }

  /** Takes a free page for one holder, or returns {@link #NONE}. */
  int take() {
    if (free == 0) {
      return NONE;
    }
    int page = freePages[--free];
    holders[page] = 1;
    return page;
  }

  /** Counts one more holder of a page that is held. */
  void retain(int page) {
    if (holders[page] == 0) {
      throw new IllegalStateException("page " + page + " has no holder, expected one at least");
    }
    holders[page]++;
  }

  /** Counts one holder less; the page is free when that was the last. */
  void release(int page) {
    if (holders[page] == 0) {
      throw new IllegalStateException("page " + page + " is released and has no holder");
    }
    if (--holders[page] == 0) {
      freePages[free++] = page;
    }
  }
}
