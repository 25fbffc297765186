package dev.baichuan4j.internal.engine;

/**
 * Keeps account of the pages of the key-value cache: the holders of each page are counted, and a
 * page without holders is free. For the engine's thread.
 */
final class PagePool {
  /** The answer where no page is free. */
  static final int NONE = -1;

  private final int[] holders; // of each page
  private final boolean[] indexed; // whether one of the holders of each page is the index
  private final int[] freePages; // the first `free` are free
  private int free;
  private int unused; // pages that the index alone holds
  private int shared; // pages that two or more texts hold

  /** Pages 0 to pages - 1, all of them free; the lowest are taken first. */
  PagePool(int pages) {
    holders = new int[pages];
    indexed = new boolean[pages];
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

  /** Pages that the index alone holds. */
  int unused() {
    return unused;
  }

  /** Pages that two or more texts hold. */
  int shared() {
    return shared;
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
    hold(page, 1, indexed[page]);
  }

  /** Makes the index a holder of a page that is held. */
  void retainForIndex(int page) {
    retain(page);
    hold(page, 0, true);
  }

  /** Counts one holder less; the page is free when that was the last. */
  void release(int page) {
    if (holders[page] == 0) {
      throw new IllegalStateException("page " + page + " is released and has no holder");
    }
    hold(page, -1, indexed[page]);
    if (holders[page] == 0) {
      freePages[free++] = page;
    }
  }

  /** The index is no longer a holder of a page. */
  void releaseFromIndex(int page) {
    hold(page, 0, false);
    release(page);
  }

  private void hold(int page, int more, boolean byIndex) {
    count(page, -1);
    holders[page] += more;
    indexed[page] = byIndex;
    count(page, 1);
  }

  private void count(int page, int by) {
    int texts = holders[page] - (indexed[page] ? 1 : 0);
    unused += indexed[page] && texts == 0 ? by : 0;
    shared += texts > 1 ? by : 0;
  }
}
