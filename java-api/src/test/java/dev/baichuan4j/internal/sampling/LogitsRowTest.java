package dev.baichuan4j.internal.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.internal.nn.TopLogits;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LogitsRowTest {
  @Test
  void copiesARowOnceAndOnlyIfAsked() {
    List<Integer> copied = new ArrayList<>();
    LogitsRow row =
        new LogitsRow(
            2,
            (i, target) -> {
              copied.add(i);
              target[1] = i;
            });
    row.moveTo(5, null);
    assertFalse(row.isComplete());
    assertArrayEquals(new float[] {0, 5}, row.all());
    assertArrayEquals(new float[] {0, 5}, row.all());
    assertTrue(row.isComplete());
    row.moveTo(6, null);
    row.moveTo(7, null);
    assertFalse(row.isComplete());
    assertArrayEquals(new float[] {0, 7}, row.all());
    assertEquals(List.of(5, 7), copied);
  }

  @Test
  void givesTheBestOfItsOwnRow() {
    TopLogits best = new TopLogits(new float[] {4, 3, 9, 8}, new int[] {0, 1, 1, 2}, 2);
    LogitsRow row = LogitsRows.of(new float[] {0, 9, 8}, best);
    assertEquals(2, row.bestCount());
    assertEquals(8, row.bestLogit(1));
    assertEquals(2, row.bestId(1));
    row.moveTo(0, best);
    assertEquals(4, row.bestLogit(0));
    assertEquals(0, row.bestId(0));
    row.moveTo(0, null);
    assertEquals(0, row.bestCount());
  }
}
