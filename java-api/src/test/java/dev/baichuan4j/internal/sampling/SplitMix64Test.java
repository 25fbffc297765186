package dev.baichuan4j.internal.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SplitMix64Test {

  /** Published outputs of splitmix64.c for this seed. */
  @Test
  void givesThePublishedSequence() {
    SplitMix64 random = new SplitMix64(1234567);
    String[] expected = {
      "6457827717110365317",
      "3203168211198807973",
      "9817491932198370423",
      "4593380528125082431",
      "16408922859458223821"
    };
    for (String value : expected) {
      assertEquals(value, Long.toUnsignedString(random.nextLong()));
    }
  }

  @Test
  void numbersAreFromZeroToBelowOne() {
    SplitMix64 random = new SplitMix64(1);
    double sum = 0;
    int n = 100_000;
    for (int i = 0; i < n; i++) {
      double u = random.nextDouble();
      assertTrue(u >= 0 && u < 1);
      sum += u;
    }
    // The mean of n uniform numbers has the deviation 1 / sqrt(12 n); five of them.
    assertEquals(0.5, sum / n, 5 / Math.sqrt(12.0 * n));
  }
}
