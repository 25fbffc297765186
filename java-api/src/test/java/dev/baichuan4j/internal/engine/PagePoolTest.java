package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PagePoolTest {
  private static final int PAGES = 12;

  /** Counts that are kept as pages change hands are those that one gets by looking at each page. */
  @Test
  void countsAreThoseOfThePages() {
    PagePool pool = new PagePool(PAGES);
    int[] texts = new int[PAGES]; // that hold each page
    boolean[] indexed = new boolean[PAGES];
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 20_000; i++) {
      int page = random.nextInt(PAGES);
      switch (random.nextInt(5)) {
        case 0 -> {
          int taken = pool.take();
          if (taken != PagePool.NONE) {
            texts[taken]++;
          }
        }
        case 1 -> {
          if (texts[page] > 0 || indexed[page]) {
            pool.retain(page);
            texts[page]++;
          }
        }
        case 2 -> {
          if (texts[page] > 0) {
            pool.release(page);
            texts[page]--;
          }
        }
        case 3 -> {
          if (texts[page] > 0 && !indexed[page]) {
            pool.retainForIndex(page);
            indexed[page] = true;
          }
        }
        default -> {
          if (indexed[page]) {
            pool.releaseFromIndex(page);
            indexed[page] = false;
          }
        }
      }
      assertEquals(count(p -> texts[p] == 0 && !indexed[p]), pool.free());
      assertEquals(count(p -> texts[p] == 0 && indexed[p]), pool.unused());
      assertEquals(count(p -> texts[p] > 1), pool.shared());
    }
  }

  private static long count(IntPredicate condition) {
    return IntStream.range(0, PAGES).filter(condition).count();
  }
}
