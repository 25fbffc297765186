package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.internal.arch.Layout;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PrefixIndexTest {
  private static final int PAGE = Layout.PAGE;

  private final PagePool pool = new PagePool(40);
  private final PrefixIndex index = new PrefixIndex(pool);

  private static int[] text(int length, int... changes) {
    int[] ids = IntStream.range(0, length).map(i -> i % 7).toArray();
    for (int at : changes) {
      ids[at] = 9;
    }
    return ids;
  }

  /** Computes a text alone, and leaves it to the index. */
  private int[] add(int[] text) {
    int[] pages = new int[Layout.pagesFor(text.length)];
    Arrays.setAll(pages, i -> pool.take());
    int[] own = pages.clone();
    index.add("", text, text.length, pages);
    for (int page : pages) {
      pool.release(page);
    }
    return own;
  }

  private int found(int[] text) {
    return index.find("", text, text.length).tokens();
  }

  @Test
  void findsTheLongestBeginningWhereverItEnds() {
    int[] pages = add(text(200));
    assertEquals(4, index.size());
    assertEquals(0, found(text(200, 0)));
    assertEquals(5, found(text(200, 5)));
    assertEquals(64, found(text(200, 64)));
    assertEquals(130, found(text(200, 130)));
    assertEquals(200, found(text(300)));
    assertEquals(100, index.find("", text(300), 100).tokens());
    assertArrayEquals(Arrays.copyOf(pages, 2), index.find("", text(200, 130), 128).share());
    assertEquals(2, pool.holders(pages[0]));
    assertEquals(1, pool.holders(pages[2]));
  }

  @Test
  void aTextThatGoesOnFromAnotherGetsItsLastPage() {
    int[] pages = add(text(100));
    PrefixIndex.Match match = index.find("", text(150), 150);
    assertEquals(100, match.tokens());
    assertArrayEquals(pages, match.share());
    assertEquals(1, index.size());
    assertEquals(1, pool.holders(pages[1])); // the text alone
    assertEquals(2, pool.holders(pages[0]));
    // One that ends before leaves it there.
    add(text(100));
    assertEquals(2, index.find("", text(90), 90).share().length);
    assertEquals(2, index.size());
  }

  @Test
  void pagesWithTheSameTokensAreHeldOnce() {
    int[] first = add(text(192));
    int[] second = new int[3];
    Arrays.setAll(second, i -> pool.take());
    int[] own = second.clone();
    index.add("", text(192), 192, second);
    assertArrayEquals(first, second);
    for (int page : own) {
      assertEquals(0, pool.holders(page));
    }
  }

  @Test
  void anEndGivesWayToOneThatGoesOn() {
    add(text(70));
    add(text(80));
    add(text(75));
    assertEquals(2, index.size());
    assertEquals(80, found(text(128)));
    add(text(128));
    assertEquals(2, index.size());
    add(text(80, 79));
    add(text(90, 79));
    assertEquals(3, index.size());
    assertEquals(40 - 3, pool.free());
  }

  @Test
  void whatWasUsedLongestAgoGoesFirstAndNothingThatIsUsed() {
    int[] a = add(text(128));
    int[] b = add(text(128, 0));
    assertArrayEquals(new int[] {a[0]}, index.find("", text(64), 64).share()); // is used now
    assertTrue(index.evict());
    assertEquals(64, found(text(128))); // the end of a was used longest ago
    assertEquals(128, found(text(128, 0)));
    assertTrue(index.evict());
    assertEquals(64, found(text(128, 0)));
    assertTrue(index.evict());
    assertFalse(index.evict());
    assertEquals(64, found(text(128)));
    pool.release(a[0]);
    assertTrue(index.evict());
    assertEquals(40, pool.free());
    assertEquals(0, pool.holders(b[0]));
  }

  @Test
  void textsWithASaltFindThoseWithTheSameAlone() {
    add(text(128));
    int[] pages = new int[] {pool.take(), pool.take()};
    int[] own = pages.clone();
    index.add("a", text(128), 128, pages);
    assertArrayEquals(own, pages); // not the equal ones without a salt
    pool.release(own[0]);
    pool.release(own[1]);
    assertEquals(128, index.find("a", text(128), 128).tokens());
    assertEquals(0, index.find("b", text(128), 128).tokens());
    assertEquals(4, index.size());
    for (int i = 0; i < 4; i++) {
      assertTrue(index.evict());
    }
    assertEquals(0, index.find("a", text(128), 128).tokens());
    assertEquals(40, pool.free());
    index.add("a", text(1), 0, new int[0]); // nothing
    assertFalse(index.evict());
  }
}
