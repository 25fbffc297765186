package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;

/**
 * McNemar's test (1947) of whether two models answer equally well, from the questions that one of
 * them alone has right. It is exact: were they equally good, each of these would be a fair coin.
 *
 * @param both questions that both have right
 * @param first those that the first alone has right
 * @param second those that the second alone has right
 * @param neither those that both have wrong
 */
public record McNemar(long both, long first, long second, long neither) {
  /**
   * Checks the counts.
   *
   * @throws InvalidRequestException if one is negative
   */
  public McNemar {
    if (Math.min(Math.min(both, first), Math.min(second, neither)) < 0) {
      throw new InvalidRequestException("count", "a value below 0", "0 or more");
    }
  }

  /**
   * Returns the two-sided p-value: how probable a difference as large as this one, or a larger one,
   * is by chance. It is 1 where no question tells them apart.
   */
  public double p() {
    long n = first + second;
    long fewer = Math.min(first, second);
    // The sum of C(n, k) / 2^n, from the greatest term down, in multiples of that.
    double term = 1;
    double sum = 0;
    double log = -n * Math.log(2);
    for (long k = 1; k <= fewer; k++) {
      log += Math.log((double) (n - k + 1) / k);
    }
    for (long k = fewer; k >= 0; k--) {
      sum += term;
      term *= (double) k / (n - k + 1);
    }
    return Math.min(1, 2 * sum * Math.exp(log));
  }
}
