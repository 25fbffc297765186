package dev.baichuan4j.internal.engine.constrain;

import java.util.Arrays;
import java.util.function.IntPredicate;

/**
 * A set of Unicode scalar values: code points without the surrogates, which no text in UTF-8 holds.
 * Immutable.
 */
public final class CodePoints {
  /** All scalar values. */
  public static final CodePoints ALL = range(0, Character.MAX_CODE_POINT);

  /** No value. */
  public static final CodePoints NONE = new CodePoints(new int[0]);

  private final int[] bounds; // ascending: first of a range, one after its last, and so on

  private CodePoints(int[] bounds) {
    this.bounds = bounds;
  }

  /** Returns the scalar values from one to another, both inclusive. */
  public static CodePoints range(int first, int last) {
    int[] bounds = {first, last + 1};
    int[] surrogates = {Character.MIN_SURROGATE, Character.MAX_SURROGATE + 1};
    return new CodePoints(combine(bounds, surrogates, (a, b) -> a && !b));
  }

  /** Returns the set of the code points of a string. */
  public static CodePoints of(String members) {
    int[] points = members.codePoints().sorted().distinct().toArray();
    CodePoints set = NONE;
    for (int point : points) {
      set = set.union(range(point, point));
    }
    return set;
  }

  /** Returns the scalar values for which a predicate holds. */
  public static CodePoints where(IntPredicate predicate) {
    int[] bounds = new int[16];
    int size = 0;
    boolean inside = false;
    for (int c = 0; c <= Character.MAX_CODE_POINT + 1; c++) {
      boolean surrogate = c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
      boolean member = c <= Character.MAX_CODE_POINT && !surrogate && predicate.test(c);
      if (member != inside) {
        if (size == bounds.length) {
          bounds = Arrays.copyOf(bounds, 2 * size);
        }
        bounds[size++] = c;
        inside = member;
      }
    }
    return new CodePoints(Arrays.copyOf(bounds, size));
  }

  private interface Operation {
    boolean member(boolean inA, boolean inB);
  }

  private static int[] combine(int[] a, int[] b, Operation operation) {
    int[] bounds = new int[a.length + b.length];
    int size = 0;
    boolean inside = false;
    for (int i = 0, j = 0; i < a.length || j < b.length; ) {
      int at =
          Math.min(
              i < a.length ? a[i] : Integer.MAX_VALUE, j < b.length ? b[j] : Integer.MAX_VALUE);
      i += i < a.length && a[i] == at ? 1 : 0;
      j += j < b.length && b[j] == at ? 1 : 0;
      boolean member = operation.member(i % 2 == 1, j % 2 == 1);
      if (member != inside) {
        bounds[size++] = at;
        inside = member;
      }
    }
    return Arrays.copyOf(bounds, size);
  }

  /** Returns the values that are in this set or another. */
  public CodePoints union(CodePoints other) {
    return new CodePoints(combine(bounds, other.bounds, (a, b) -> a || b));
  }

  /** Returns the values that are in this set and not in another. */
  public CodePoints minus(CodePoints other) {
    return new CodePoints(combine(bounds, other.bounds, (a, b) -> a && !b));
  }

  /** Returns the values that are not in this set. */
  public CodePoints complement() {
    return ALL.minus(this);
  }

  /** Returns whether the set has no member. */
  public boolean isEmpty() {
    return bounds.length == 0;
  }

  /** Returns whether a value is in the set. */
  public boolean contains(int codePoint) {
    int place = Arrays.binarySearch(bounds, codePoint);
    return place >= 0 ? place % 2 == 0 : -place % 2 == 0;
  }

  /** Returns how many members the set has. */
  public int size() {
    int size = 0;
    for (int range = 0; range < ranges(); range++) {
      size += last(range) - first(range) + 1;
    }
    return size;
  }

  /** Returns how many ranges the set has; they ascend and do not touch. */
  int ranges() {
    return bounds.length / 2;
  }

  int first(int range) {
    return bounds[2 * range];
  }

  int last(int range) {
    return bounds[2 * range + 1] - 1;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CodePoints set && Arrays.equals(bounds, set.bounds);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bounds);
  }
}
