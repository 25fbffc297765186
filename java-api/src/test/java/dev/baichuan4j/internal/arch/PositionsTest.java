package dev.baichuan4j.internal.arch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class PositionsTest {
  @Test
  void theSlopesOfAContextAsLongAsTheTrainingAreThePublishedOnes() {
    for (int heads : new int[] {1, 2, 4, 32, 40}) {
      float[] published = Positions.Alibi.slopes(heads);
      assertArrayEquals(published, new Positions.Alibi(4096).slopes(heads, 4096));
      assertArrayEquals(published, new Positions.Alibi(4096).slopes(heads, 100));
      assertArrayEquals(published, new Positions.Alibi().slopes(heads, 1 << 20));
    }
  }

  /** b (base / b)^h with b = a^(1 / (n - 1)) and base = 2^(-8 / n), of the heads 1 to n. */
  @Test
  void inAContextATimesAsLongTheFlattestOfThePowerOfTwoSeesATimesAsFar() {
    double longer = 6;
    float[] published = Positions.Alibi.slopes(40);
    float[] scaled = new Positions.Alibi(4096).slopes(40, 6 * 4096);
    double b = Math.pow(longer, 1.0 / 31);
    double base = Math.pow(2, -8.0 / 32);
    for (int h = 1; h <= 32; h++) {
      assertEquals(b * Math.pow(base / b, h), scaled[h - 1], 1e-7 * published[h - 1]);
    }
    assertEquals(published[0], scaled[0]);
    assertEquals(published[31] / longer, scaled[31], 1e-9);
    assertArrayEquals(Arrays.copyOfRange(published, 32, 40), Arrays.copyOfRange(scaled, 32, 40));
  }

  @Test
  void dynamicNtkKeepsTheFastestFrequencyAndSlowsTheSlowestByTheFactor() {
    RopeScaling scaling = new RopeScaling.DynamicNtk(1, 4096);
    double[] plain = Positions.Rope.of(10_000).frequencies(128, 4096);
    assertArrayEquals(plain, new Positions.Rope(10_000, scaling).frequencies(128, 4096));
    double[] longer = new Positions.Rope(10_000, scaling).frequencies(128, 4 * 4096);
    assertEquals(plain[0], longer[0]);
    assertEquals(plain[63] / 4, longer[63], 1e-12);
    for (int k = 1; k < 64; k++) {
      assertTrue(longer[k] < plain[k]);
    }
  }
}
