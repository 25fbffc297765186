package dev.baichuan4j.internal.sampling;

/**
 * A random number generator whose sequence is fixed by its seed on every JDK and platform, which
 * {@link java.util.SplittableRandom} does not promise.
 *
 * <p>Source: Steele, Lea and Flood 2014, "Fast Splittable Pseudorandom Number Generators", with the
 * finalizer Mix13 of Stafford 2011, as in Vigna's splitmix64.c.
 */
final class SplitMix64 {

  private long state;

  SplitMix64(long seed) {
    state = seed;
  }

  /** Starts over, as a new generator of this seed. */
  void restart(long seed) {
    state = seed;
  }

  long nextLong() {
    state += 0x9e3779b97f4a7c15L;
    long z = state;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /** Returns a uniform number in [0, 1): the upper 53 bits, which a double holds exactly. */
  double nextDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }
}
