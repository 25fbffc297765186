package dev.baichuan4j.internal.engine.constrain.schema;

import java.util.Arrays;
import java.util.BitSet;

/**
 * An object or an array that is being read, and the levels around it. Alternatives run side by
 * side: each waits for a value, and goes on if the value turns out to be what it waits for. Levels
 * are interned, so that equal ones are the same object.
 *
 * @param branches the alternatives
 * @param pending what each of them waits for
 * @param around the level around this one; null at the outermost
 * @param from where in what is captured the awaited item begins; -1 if it is not compared
 */
record Level(Branch[] branches, Ref[] pending, Level around, int from) {

  /** Whether the text of what is awaited must be kept, for this level or for one around it. */
  boolean captures() {
    for (Level level = this; level != null; level = level.around) {
      if (level.from >= 0) {
        return true;
      }
    }
    return false;
  }

  /** An alternative of an object or of an array. */
  sealed interface Branch permits Members, Items {
    /** What this alternative stands for at the level around it. */
    Ref stands();
  }

  /**
   * An object so far.
   *
   * @param names what it is
   * @param seen the listed names that have come
   * @param count how many members have come, no more exactly than it matters
   * @param satisfied the bits of {@link ObjectSpec#present} that have come
   */
  record Members(Ref stands, ObjectNames names, BitSet seen, int count, int satisfied)
      implements Branch {

    Members with(int name, int bits) {
      BitSet all = seen;
      if (name >= 0) {
        all = (BitSet) seen.clone();
        all.set(name);
      }
      ObjectSpec spec = names.spec();
      boolean counts = spec.max() != ObjectSpec.UNBOUNDED || count < spec.min();
      return new Members(stands, names, all, counts ? count + 1 : count, satisfied | bits);
    }

    boolean mayClose() {
      return names.mayClose(seen, count, satisfied);
    }

    boolean mayAddAny() {
      return names.mayAddAny(seen, count);
    }
  }

  /**
   * An array so far.
   *
   * @param limit how many items it may have
   * @param index how many have come, no more exactly than it matters
   * @param contained the bits of {@link ArraySpec#contains} that have come
   * @param different what no item may be any more
   */
  record Items(Ref stands, ArraySpec spec, int limit, int index, int contained, Ref different)
      implements Branch {

    boolean mayClose() {
      return index >= spec.min() && Integer.bitCount(contained) == spec.contains().size();
    }

    boolean mayAdd() {
      return index < limit;
    }

    Items with(int bits) {
      int same = Math.max(spec.prefix().size(), spec.min());
      for (ArraySpec.Contained each : spec.contains()) {
        same = Math.max(same, each.from());
      }
      boolean counts = limit != ArraySpec.UNBOUNDED || index < same;
      int next = counts ? index + 1 : index;
      return new Items(stands, spec, limit, next, contained | bits, different);
    }

    Items differentFrom(Ref others) {
      return new Items(stands, spec, limit, index, contained, others);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Level level
        && around == level.around // interned before it
        && from == level.from
        && Arrays.equals(branches, level.branches)
        && Arrays.equals(pending, level.pending);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * Arrays.hashCode(branches) + Arrays.hashCode(pending))
        + System.identityHashCode(around);
  }
}
