package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Dfa;
import dev.baichuan4j.internal.engine.constrain.Regex;
import dev.baichuan4j.internal.engine.constrain.schema.ArraySpec.Contained;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Whether there is any value of a kind, so that the machine enters nothing that cannot end. */
final class Inhabitants {
  private static final int MAX_DEPTH = 1000;

  private final Shapes shapes;
  private final Map<Ref, Integer> depths = new IdentityHashMap<>(); // of those in question
  private final Map<ObjectSpec, ObjectNames> names = new HashMap<>();
  private int lowestAssumed = Integer.MAX_VALUE; // depth of one that was taken for empty

  Inhabitants(Shapes shapes) {
    this.shapes = shapes;
  }

  /** Whether there is a value: the least fixed point, a value that needs itself is none. */
  boolean any(Ref ref) {
    if (ref.inhabited != null) {
      return ref.inhabited;
    }
    Integer depth = depths.get(ref);
    if (depth != null) {
      lowestAssumed = Math.min(lowestAssumed, depth);
      return false;
    }
    int own = depths.size();
    if (own > MAX_DEPTH) {
      throw SchemaProblem.unsupported(
          "$ref", "#", "values need values within them more than " + MAX_DEPTH + " deep");
    }
    depths.put(ref, own);
    int outer = lowestAssumed;
    lowestAssumed = Integer.MAX_VALUE;
    boolean any;
    try {
      any = any(shapes.shape(ref));
    } finally {
      depths.remove(ref);
    }
    if (any || lowestAssumed >= own) {
      ref.inhabited = any;
    }
    int inner = lowestAssumed >= own ? Integer.MAX_VALUE : lowestAssumed;
    lowestAssumed = any ? outer : Math.min(outer, inner);
    return any;
  }

  boolean any(Shape shape) {
    if (shape.literals() != 0 || any(shape.strings())) {
      return true;
    }
    return anyNumber(shape.numbers()) || anyOf(shape.arrays(), shape.objects());
  }

  private static boolean any(Regex strings) {
    return strings != Regex.NOTHING
        && (strings == Regex.ANY_TEXT || Automata.of(strings).start() != Dfa.DEAD);
  }

  private static boolean anyNumber(List<NumberSpec> numbers) {
    for (NumberSpec spec : numbers) {
      boolean dense = spec.multiples().isEmpty() && spec.others().isEmpty() && !spec.plain();
      boolean open = spec.low() == null || spec.high() == null;
      if (dense || open && spec.others().isEmpty()) {
        return true; // and() leaves no empty interval
      }
    }
    return !numbers.isEmpty() && Automata.numbers(numbers).start() != Dfa.DEAD;
  }

  boolean anyOf(List<ArraySpec> arrays, List<ObjectSpec> objects) {
    return arrays.stream().anyMatch(this::any) || objects.stream().anyMatch(this::any);
  }

  /** How many items an array may have before one that cannot be there. */
  int limit(ArraySpec spec) {
    int max = spec.max();
    for (int i = 0; i < spec.prefix().size() && i < max; i++) {
      if (!any(spec.prefix().get(i))) {
        return i;
      }
    }
    return max > spec.prefix().size() && !any(spec.rest()) ? spec.prefix().size() : max;
  }

  boolean any(ArraySpec spec) {
    int limit = limit(spec);
    if (spec.min() > limit) {
      return false;
    }
    if (spec.unique()) {
      return Uniqueness.isPossible(shapes, spec);
    }
    if (spec.contains().size() > 1) {
      for (Contained contained : spec.contains()) {
        if (limit != ArraySpec.UNBOUNDED || !any(shapes.and(spec.rest(), contained.item()))) {
          throw SchemaProblem.unsupported(
              "contains", "#", "two of them meet in one array of bounded length");
        }
      }
      return true;
    }
    return spec.contains().isEmpty() || canContain(spec, spec.contains().get(0), 0, limit);
  }

  /** Whether an item at an index from {@code from} on can be what must be there. */
  boolean canContain(ArraySpec spec, Contained contained, int from, int limit) {
    int first = Math.max(from, contained.from());
    for (int i = first; i < spec.prefix().size() && i < limit; i++) {
      if (any(shapes.and(spec.prefix().get(i), contained.item()))) {
        return true;
      }
    }
    return Math.max(first, spec.prefix().size()) < limit
        && any(shapes.and(spec.rest(), contained.item()));
  }

  boolean any(ObjectSpec spec) {
    if (!Conjunctions.mayExist(spec)) {
      return false;
    }
    for (String name : spec.required()) {
      if (!any(shapes.value(spec, name))) {
        return false;
      }
    }
    boolean simple =
        spec.min() <= spec.required().size()
            && spec.dependent().isEmpty()
            && spec.present().isEmpty();
    return simple || names(spec).canEnd();
  }

  /** The names of an object's members. */
  ObjectNames names(ObjectSpec spec) {
    ObjectNames known = names.get(spec);
    if (known == null) {
      known = new ObjectNames(shapes, spec);
      names.put(spec, known);
    }
    return known;
  }

  /** Whether it is plain that no value is of both shapes; {@code node} is where they meet. */
  boolean areDisjoint(Shape a, Shape b, SchemaNode node) {
    if ((a.literals() & b.literals()) != 0 || !a.arrays().isEmpty() && !b.arrays().isEmpty()) {
      return false;
    }
    for (ObjectSpec x : a.objects()) {
      for (ObjectSpec y : b.objects()) {
        if (!areDisjoint(x, y)) {
          return false;
        }
      }
    }
    boolean strings = a.strings() != Regex.NOTHING && b.strings() != Regex.NOTHING;
    if (strings && any(Regex.intersection(a.strings(), b.strings()))) {
      return false;
    }
    if (a.numbers().isEmpty() || b.numbers().isEmpty()) {
      return true;
    }
    Shape numbers =
        shapes.and(
            Shape.NOTHING.withNumbers(a.numbers()), Shape.NOTHING.withNumbers(b.numbers()), node);
    return !anyNumber(numbers.numbers());
  }

  private boolean areDisjoint(ObjectSpec a, ObjectSpec b) {
    if (a.min() > b.max() || b.min() > a.max()) {
      return true;
    }
    Set<String> required = new LinkedHashSet<>(a.required());
    required.addAll(b.required());
    for (String name : required) {
      Ref both = shapes.and(shapes.value(a, name), shapes.value(b, name));
      if (both != Ref.TRUE && isPlainlyEmpty(both)) {
        return true;
      }
    }
    return false;
  }

  /** Whether there is no value, as far as this can be told before all places are known. */
  private boolean isPlainlyEmpty(Ref ref) {
    try {
      return !any(ref);
    } catch (Shapes.CycleException e) {
      return false;
    }
  }
}
