package dev.baichuan4j.internal.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FreeSpaceTest {
  @Test
  void rangesThatAreGivenBackBecomeOne() {
    FreeSpace space = new FreeSpace(10);
    assertEquals(OptionalLong.of(0), space.take(3));
    assertEquals(OptionalLong.of(3), space.take(4));
    assertEquals(OptionalLong.of(7), space.take(3));
    assertEquals(OptionalLong.empty(), space.take(1));
    space.give(0, 3);
    space.give(7, 3);
    assertEquals(6, space.units());
    assertEquals(OptionalLong.empty(), space.take(4));
    space.give(3, 4);
    assertEquals(OptionalLong.of(0), space.take(10));
  }

  /** Against a set of units that are taken. */
  @Test
  void nothingIsTakenTwiceOrLost() {
    Random random = new Random(3);
    int units = 200;
    FreeSpace space = new FreeSpace(units);
    BitSet taken = new BitSet();
    List<long[]> ranges = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      if (random.nextBoolean() || ranges.isEmpty()) {
        int count = 1 + random.nextInt(40);
        OptionalLong begin = space.take(count);
        int longest = longestFree(taken, units);
        assertEquals(longest >= count, begin.isPresent());
        if (begin.isPresent()) {
          int at = (int) begin.getAsLong();
          assertEquals(0, taken.get(at, at + count).cardinality());
          taken.set(at, at + count);
          ranges.add(new long[] {at, count});
        }
      } else {
        long[] range = ranges.remove(random.nextInt(ranges.size()));
        space.give(range[0], range[1]);
        taken.clear((int) range[0], (int) (range[0] + range[1]));
      }
      assertEquals(units - taken.cardinality(), space.units());
    }
    assertTrue(taken.length() <= units);
  }

  private static int longestFree(BitSet taken, int units) {
    int longest = 0;
    for (int at = taken.nextClearBit(0); at < units; ) {
      int end = taken.nextSetBit(at);
      end = end < 0 ? units : end;
      longest = Math.max(longest, end - at);
      at = taken.nextClearBit(end);
    }
    return longest;
  }
}
