package dev.baichuan4j.internal.math;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LogSumExpTest {
  @Test
  void isTheLogarithmOfTheSum() {
    SplittableRandom random = new SplittableRandom(1);
    for (int repeat = 0; repeat < 100; repeat++) {
      float[] values = new float[1 + random.nextInt(300)];
      double sum = 0;
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextDouble(-30, 30);
        sum += Math.exp(values[i]);
      }
      assertEquals(Math.log(sum), LogSumExp.of(values), 1e-12);
    }
  }

  @Test
  void neitherOverflowsNorLosesWhatIsSmall() {
    float max = Float.MAX_VALUE;
    float infinity = Float.POSITIVE_INFINITY;
    assertEquals(max, LogSumExp.of(new float[] {-max, max, 0}));
    assertEquals(1000 + Math.log(2), LogSumExp.of(new float[] {1000, -infinity, 1000}), 1e-12);
    assertEquals(-1000 + Math.log(2), LogSumExp.of(new float[] {-1000, -1000}), 1e-12);
  }

  @Test
  void exponentialsAreThoseOfStrictMath() {
    SplittableRandom random = new SplittableRandom(2);
    for (int repeat = 0; repeat < 100_000; repeat++) {
      double x = repeat == 0 ? 0 : random.nextDouble(repeat % 2 == 0 ? -700 : -2, 0);
      double expected = StrictMath.exp(x);
      assertEquals(expected, LogSumExp.exp(x), 1e-14 * expected);
    }
    assertEquals(1, LogSumExp.exp(0));
  }

  @Test
  void valuesFarBelowTheGreatestAddNothing() {
    float infinity = Float.POSITIVE_INFINITY;
    assertEquals(Math.log(2), LogSumExp.of(new float[] {0, -699, -750, -infinity, 0}), 1e-15);
    assertEquals(Math.log(2), LogSumExp.of(new float[] {0, -699, 0}), 1e-15);
    assertEquals(Double.NaN, LogSumExp.of(new float[] {0, Float.NaN, 0}));
    assertEquals(Double.NaN, LogSumExp.of(new float[] {0, Float.NaN, -750}));
  }
}
