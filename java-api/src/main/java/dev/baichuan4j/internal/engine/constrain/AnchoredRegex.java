package dev.baichuan4j.internal.engine.constrain;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a part of a pattern matches, by whether the match must begin where the text begins, and end
 * where it ends. So {@code ^} and {@code $} need no symbols of their own. Immutable.
 */
final class AnchoredRegex {
  private static final int AT_START = 1;
  private static final int AT_END = 2;

  /** Nothing, at the beginning of the text. */
  static final AnchoredRegex START = of(AT_START, Regex.EMPTY);

  /** Nothing, at the end of the text. */
  static final AnchoredRegex END = of(AT_END, Regex.EMPTY);

  private final Regex[] byPlace; // [4], by the sum of AT_START and AT_END

  private AnchoredRegex(Regex[] byPlace) {
    this.byPlace = byPlace;
  }

  /** What may match anywhere. */
  static AnchoredRegex of(Regex regex) {
    return of(0, regex);
  }

  private static AnchoredRegex of(int place, Regex regex) {
    Regex[] byPlace = {Regex.NOTHING, Regex.NOTHING, Regex.NOTHING, Regex.NOTHING};
    byPlace[place] = regex;
    return new AnchoredRegex(byPlace);
  }

  static AnchoredRegex union(List<AnchoredRegex> all) {
    Regex[] byPlace = new Regex[4];
    for (int place = 0; place < 4; place++) {
      List<Regex> parts = new ArrayList<>();
      for (AnchoredRegex each : all) {
        parts.add(each.byPlace[place]);
      }
      byPlace[place] = Regex.union(parts);
    }
    return new AnchoredRegex(byPlace);
  }

  static AnchoredRegex concat(AnchoredRegex head, AnchoredRegex tail) {
    Regex[] byPlace = {Regex.NOTHING, Regex.NOTHING, Regex.NOTHING, Regex.NOTHING};
    for (int h = 0; h < 4; h++) {
      for (int t = 0; t < 4; t++) {
        // Before a beginning and behind an end there is nothing.
        Regex first = (t & AT_START) != 0 ? emptyPart(head.byPlace[h]) : head.byPlace[h];
        Regex second = (h & AT_END) != 0 ? emptyPart(tail.byPlace[t]) : tail.byPlace[t];
        byPlace[h | t] = Regex.union(byPlace[h | t], Regex.concat(first, second));
      }
    }
    return new AnchoredRegex(byPlace);
  }

  private static Regex emptyPart(Regex regex) {
    return regex.nullable() ? Regex.EMPTY : Regex.NOTHING;
  }

  /**
   * This, where a condition holds or does not hold for the text that begins where it begins.
   *
   * @param condition not anchored at the start
   * @param open whether more may follow this than it matches
   */
  AnchoredRegex where(AnchoredRegex condition, boolean negative, boolean open) {
    Regex begins =
        Regex.union(Regex.concat(condition.byPlace[0], Regex.ANY_TEXT), condition.byPlace[AT_END]);
    Regex[] byPlace = {Regex.NOTHING, Regex.NOTHING, Regex.NOTHING, Regex.NOTHING};
    for (int place = 0; place < 4; place++) {
      boolean more = open && (place & AT_END) == 0;
      Regex rest = more ? Regex.concat(byPlace(place), Regex.ANY_TEXT) : byPlace(place);
      Regex both = negative ? rest.minus(begins) : Regex.intersection(rest, begins);
      byPlace[place | AT_END] = Regex.union(byPlace[place | AT_END], both);
    }
    return new AnchoredRegex(byPlace);
  }

  private Regex byPlace(int place) {
    return byPlace[place];
  }

  /**
   * @param max at most 1 if it {@link #isAnchored}
   */
  AnchoredRegex repeat(int min, int max) {
    if (!isAnchored()) {
      return of(Regex.repeat(byPlace[0], min, max));
    }
    return min == 0 ? union(List.of(of(Regex.EMPTY), max == 0 ? of(Regex.EMPTY) : this)) : this;
  }

  boolean isAnchored() {
    return Arrays.stream(byPlace, 1, 4).anyMatch(r -> r != Regex.NOTHING);
  }

  boolean isAnchoredAtStart() {
    return byPlace[AT_START] != Regex.NOTHING || byPlace[AT_START | AT_END] != Regex.NOTHING;
  }

  /** The texts that match as a whole. */
  Regex whole() {
    return Regex.union(byPlace);
  }

  /** The texts in which there is a match. */
  Regex search() {
    List<Regex> all = new ArrayList<>();
    for (int place = 0; place < 4; place++) {
      Regex before = (place & AT_START) != 0 ? Regex.EMPTY : Regex.ANY_TEXT;
      Regex behind = (place & AT_END) != 0 ? Regex.EMPTY : Regex.ANY_TEXT;
      all.add(Regex.concat(before, byPlace[place], behind));
    }
    return Regex.union(all);
  }
}
