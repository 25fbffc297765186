package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.internal.arch.Layout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** The pool of pages and the index over them, beside models that do the same without cleverness. */
class PagePropertiesTest {
  private static final int PAGES = 24;

  /** Random takes, retains and releases, beside an array of counts. */
  @Property(tries = 200, seed = "1")
  void theTakenPagesAreThoseWithHolders(
      @ForAll @IntRange(min = 1, max = 6) int pages,
      @ForAll List<@IntRange(min = 0, max = 17) Integer> actions) {
    PagePool pool = new PagePool(pages);
    int[] holders = new int[pages];
    for (int action : actions) {
      int page = action / 3 % pages;
      switch (action % 3) {
        case 0 -> {
          int taken = pool.take();
          assertEquals(Arrays.stream(holders).noneMatch(h -> h == 0), taken == PagePool.NONE);
          if (taken != PagePool.NONE) {
            assertEquals(0, holders[taken]++);
          }
        }
        case 1 -> {
          if (holders[page] == 0) {
            assertThrows(IllegalStateException.class, () -> pool.retain(page));
          } else {
            pool.retain(page);
            holders[page]++;
          }
        }
        default -> {
          if (holders[page] == 0) {
            assertThrows(IllegalStateException.class, () -> pool.release(page));
          } else {
            pool.release(page);
            holders[page]--;
          }
        }
      }
      assertArrayEquals(holders, IntStream.range(0, pages).map(pool::holders).toArray());
      assertEquals(Arrays.stream(holders).filter(h -> h == 0).count(), pool.free());
    }
  }

  /** A text, and whether it goes on when the next one comes, so that its pages stay in use. */
  record Reading(int[] text, boolean stays) {
    @Override
    public String toString() {
      return text.length + " tokens " + Arrays.hashCode(text) + (stays ? ", stays" : "");
    }
  }

  /** Texts of up to four stretches of one token each: they begin alike and part inside pages. */
  @Provide
  Arbitrary<Reading> readings() {
    Arbitrary<int[]> stretch =
        Combinators.combine(Arbitraries.integers().between(0, 2), Arbitraries.of(1, 30, 64, 90))
            .as((token, length) -> IntStream.range(0, length).map(i -> token).toArray());
    Arbitrary<int[]> text =
        stretch
            .list()
            .ofMinSize(1)
            .ofMaxSize(4)
            .map(parts -> parts.stream().flatMapToInt(Arrays::stream).toArray());
    return Combinators.combine(text, Arbitraries.of(true, false)).as(Reading::new);
  }

  /**
   * Texts that are read one after the other as {@link CachePool} reads them. The model is what each
   * page holds: tokens that are written where a text is the only holder.
   */
  @Property(tries = 200, seed = "1")
  void whatIsFoundIsInThePages(@ForAll List<@From("readings") Reading> readings) {
    PagePool pool = new PagePool(PAGES);
    PrefixIndex index = new PrefixIndex(pool);
    int[][] contents = new int[PAGES][Layout.PAGE];
    List<int[]> staying = new ArrayList<>();
    List<int[]> read = new ArrayList<>();
    boolean evicted = false;
    for (Reading reading : readings) {
      int[] text = reading.text();
      PrefixIndex.Match match = index.find("", text, text.length);
      int longest = read.stream().mapToInt(other -> common(text, other)).max().orElse(0);
      assertTrue(match.tokens() <= longest);
      assertTrue(evicted || match.tokens() == longest, "a beginning of " + longest + " was lost");
      int[] pages = Arrays.copyOf(match.share(), Layout.pagesFor(text.length));
      for (int at = 0; at < match.tokens(); at++) {
        assertEquals(text[at], contents[pages[at / Layout.PAGE]][at % Layout.PAGE]);
      }
      int shared = Layout.pagesFor(match.tokens());
      for (int slot = match.tokens() / Layout.PAGE; slot < pages.length; slot++) {
        boolean isThere = slot < shared;
        if (isThere && pool.holders(pages[slot]) == 1) {
          continue;
        }
        int page = pool.take();
        while (page == PagePool.NONE) {
          evicted = true;
          if (!index.evict()) {
            end(pool, staying.remove(0));
          }
          page = pool.take();
        }
        if (isThere) {
          contents[page] = contents[pages[slot]].clone();
          pool.release(pages[slot]);
        }
        pages[slot] = page;
      }
      for (int at = match.tokens(); at < text.length; at++) {
        assertEquals(1, pool.holders(pages[at / Layout.PAGE]), "a page of others is written to");
        contents[pages[at / Layout.PAGE]][at % Layout.PAGE] = text[at];
      }
      index.add("", text, text.length, pages);
      read.add(text);
      if (reading.stays()) {
        staying.add(pages);
      } else {
        end(pool, pages);
      }
    }
    staying.forEach(pages -> end(pool, pages));
    assertEquals(PAGES, pool.free() + index.size());
    assertEquals(index.size(), pool.unused());
    while (index.evict()) {
      assertEquals(PAGES, pool.free() + index.size());
    }
    assertEquals(PAGES, pool.free());
  }

  private static int common(int[] a, int[] b) {
    int mismatch = Arrays.mismatch(a, b);
    return mismatch < 0 ? a.length : mismatch;
  }

  private static void end(PagePool pool, int[] pages) {
    for (int page : pages) {
      pool.release(page);
    }
  }
}
