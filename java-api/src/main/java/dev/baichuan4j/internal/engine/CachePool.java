package dev.baichuan4j.internal.engine;

import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.nn.KvCache;
import java.util.Arrays;

/**
 * The key-value cache as the texts see it: they take pages as their positions are computed, share
 * those that hold the same beginning, and leave what they computed for texts to come. What no text
 * uses gives way when a page is needed. For the engine's thread.
 *
 * <p>A text gets the bits that it would get alone. So it takes over what another text computed only
 * where the device gives the same bits for it: the CPU always does; on a GPU a generated token and
 * one of a prompt take different ways, as do the tokens of a very short piece, so there prompts
 * alone are shared, and a prompt keeps enough tokens to itself.
 */
final class CachePool implements AutoCloseable {
  private final KvCache cache;
  private final long pageBytes;
  private final int smallestPiece;
  private final PagePool pages;
  private final PrefixIndex index;
  private final Counters counters;

  /**
   * Takes over the cache: closing the pool closes it.
   *
   * @param pageBytes bytes of a page over all layers
   * @param smallestPiece tokens of a piece of a prompt from which on results do not depend on where
   *     the prompt was cut
   */
  CachePool(KvCache cache, long pageBytes, int smallestPiece, Counters counters) {
    this.cache = cache;
    this.pageBytes = pageBytes;
    this.smallestPiece = smallestPiece;
    this.pages = new PagePool(cache.pages());
    this.index = new PrefixIndex(pages);
    this.counters = counters;
  }

  /** Positions that it can hold. */
  int positions() {
    return (int) Math.min((long) cache.pages() * Layout.PAGE, Integer.MAX_VALUE);
  }

  /**
   * Begins a text, or goes on with one that was paused: it shares what is computed of it.
   *
   * @param most tokens that it may take over from others
   * @param spare pages that have to be left over when the tokens that it has are computed
   * @return whether there is room; if not, nothing has changed
   */
  boolean start(Sequence sequence, int most, int spare) {
    PrefixIndex.Match match = find(sequence, most);
    int needed = Layout.pagesFor(sequence.length()) - match.inUse() + spare;
    if (needed > pages.free() + pages.unused()) {
      return false;
    }
    sequence.startFrom(match.share(), match.tokens());
    return true;
  }

  /** Shares what others have computed of a text since it began, if that is a page or more. */
  void catchUp(Sequence sequence, int most) {
    PrefixIndex.Match match = find(sequence, most);
    if (match.tokens() >= sequence.cached() + Layout.PAGE) {
      counters.found(match.tokens() - sequence.cached());
      int[] shared = match.share();
      discard(sequence);
      sequence.startFrom(shared, match.tokens());
    }
  }

  /**
   * Returns whether a text can take over a page or more once another one's next tokens are
   * computed.
   *
   * @param most tokens that the text may take over from others
   * @param fed tokens of the other text that are being computed
   */
  boolean willShare(Sequence sequence, int most, Sequence other, int fed) {
    int whole = reusable(other, other.cached() + fed) / Layout.PAGE * Layout.PAGE;
    int limit = Math.min(whole, Math.min(most, shareable(sequence)));
    if (limit < sequence.cached() + Layout.PAGE || !sequence.salt().equals(other.salt())) {
      return false;
    }
    int mismatch = Arrays.mismatch(sequence.tokens(), 0, limit, other.tokens(), 0, limit);
    return mismatch < 0 || mismatch >= sequence.cached() + Layout.PAGE;
  }

  private PrefixIndex.Match find(Sequence sequence, int most) {
    return index.find(sequence.salt(), sequence.tokens(), Math.min(most, shareable(sequence)));
  }

  /** Tokens of a text that it may take over from others: the last one's logits are wanted. */
  private int shareable(Sequence sequence) {
    if (smallestPiece > 1 && sequence.length() > sequence.promptLength()) {
      return sequence.promptLength();
    }
    return Math.max(0, sequence.length() - smallestPiece);
  }

  /** Tokens of a text that others may take over, once that many are computed. */
  private int reusable(Sequence sequence, int computed) {
    if (smallestPiece == 1) {
      return computed;
    }
    return sequence.promptLength() < smallestPiece
        ? 0
        : Math.min(computed, sequence.promptLength());
  }

  /**
   * Makes room for the next positions of a text: pages are taken, and one that others hold as well
   * is copied.
   *
   * @return false where there are too few pages; those that were taken stay
   */
  boolean extend(Sequence sequence, int count) {
    int first = sequence.cached() / Layout.PAGE;
    int end = Layout.pagesFor(sequence.cached() + count);
    for (int slot = first; slot < end; slot++) {
      boolean isThere = slot < sequence.pageCount();
      int present = isThere ? sequence.pages()[slot] : PagePool.NONE;
      if (isThere && pages.holders(present) == 1) {
        continue;
      }
      int page = take();
      if (page == PagePool.NONE) {
        if (isThere && pages.holders(present) == 2 && index.letGo(present)) {
          continue; // it was the index that held it as well
        }
        return false;
      }
      if (isThere) {
        cache.copyPage(present, page);
        pages.release(present);
        sequence.replacePage(slot, page);
      } else {
        sequence.addPage(page);
      }
    }
    return true;
  }

  /** The beginning of a text without a salt that is computed, whoever computed it. */
  PrefixIndex.Match find(int[] text) {
    return index.find("", text, text.length);
  }

  /** Takes a page, of those that no text uses if need be; {@link PagePool#NONE} if all are used. */
  int take() {
    int page = pages.take();
    if (page == PagePool.NONE && index.evict()) {
      counters.evicted();
      return pages.take();
    }
    return page;
  }

  /** Tells who holds the pages now. */
  void count() {
    int used = pages.pages() - pages.free() - pages.unused();
    counters.pages(used, pages.unused(), pages.shared());
  }

  /** Lets other texts share what is computed of this one, while it goes on. */
  void offer(Sequence sequence) {
    int whole = reusable(sequence, sequence.cached()) / Layout.PAGE * Layout.PAGE;
    index.add(sequence.salt(), sequence.tokens(), whole, sequence.pages());
  }

  /** Ends a text, or pauses it: what it computed stays for others as long as there is room. */
  void end(Sequence sequence) {
    int reusable = reusable(sequence, sequence.cached());
    index.add(sequence.salt(), sequence.tokens(), reusable, sequence.pages());
    discard(sequence);
  }

  /** Ends a text whose pages may hold anything. */
  void discard(Sequence sequence) {
    for (int slot = 0; slot < sequence.pageCount(); slot++) {
      pages.release(sequence.pages()[slot]);
    }
    sequence.forgetPages();
  }

  /** Lets texts share pages that hold the first tokens of a text without a salt. */
  void offer(int[] text, int count, int[] pages) {
    index.add("", text, count, pages);
  }

  /** Counts one holder of a page less. */
  void release(int page) {
    pages.release(page);
  }

  KvCache cache() {
    return cache;
  }

  OutOfDeviceMemoryException exhausted(int positions) {
    return new OutOfDeviceMemoryException(
        pageBytes * Layout.pagesFor(positions), pageBytes * pages.pages());
  }

  @Override
  public void close() {
    cache.close();
  }
}
