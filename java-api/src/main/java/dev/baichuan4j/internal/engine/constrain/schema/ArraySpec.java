package dev.baichuan4j.internal.engine.constrain.schema;

import java.util.List;

/**
 * Arrays of some items.
 *
 * @param prefix what the first items are
 * @param rest what the items behind them are
 * @param min the least number of items
 * @param max the greatest number of items, or {@link #UNBOUNDED}
 * @param contains what must be among the items
 * @param unique whether no two items may be equal
 */
record ArraySpec(
    List<Ref> prefix, Ref rest, int min, int max, List<Contained> contains, boolean unique) {

  static final int UNBOUNDED = Integer.MAX_VALUE;
  static final ArraySpec ANY = new ArraySpec(List.of(), Ref.TRUE, 0, UNBOUNDED, List.of(), false);

  /** An item from some index on that must be there. */
  record Contained(int from, Ref item) {}

  Ref item(int index) {
    return index < prefix.size() ? prefix.get(index) : rest;
  }
}
