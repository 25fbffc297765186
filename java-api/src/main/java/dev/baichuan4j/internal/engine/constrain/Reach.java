package dev.baichuan4j.internal.engine.constrain;

/**
 * A set of plain texts: those of up to some number of characters that are all in some {@link
 * CharacterGroups}. It is an int: the groups, and above them the number.
 */
final class Reach {
  /** The empty text alone. */
  static final int NONE = 0;

  /** Stands for any number of characters. */
  static final int ANY_NUMBER = 0x7FFF;

  private Reach() {}

  static int of(int groups, int characters) {
    return groups | Math.min(ANY_NUMBER, characters) << 16;
  }

  static int groups(int reach) {
    return reach & CharacterGroups.BITS;
  }

  static int characters(int reach) {
    return reach >>> 16;
  }

  /** The least set of this kind that has both. */
  static int max(int a, int b) {
    return of(groups(a) | groups(b), Math.max(characters(a), characters(b)));
  }

  static boolean contains(int reach, int other) {
    return (groups(other) & ~reach) == 0 && characters(other) <= characters(reach);
  }
}
