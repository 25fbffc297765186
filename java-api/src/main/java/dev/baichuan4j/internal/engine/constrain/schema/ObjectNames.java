package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Dfa;
import dev.baichuan4j.internal.engine.constrain.Regex;
import dev.baichuan4j.internal.engine.constrain.schema.ObjectSpec.Group;
import dev.baichuan4j.internal.engine.constrain.schema.ObjectSpec.Named;
import dev.baichuan4j.internal.engine.constrain.schema.ObjectSpec.Present;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The names that members of an object may have: those that the schema lists, as a sorted table in
 * which a beginning is a range, and classes of others, as automata. A state is where a name is in
 * all of them.
 */
final class ObjectNames {
  private static final int MAX_CLASSES = 64;

  /** A class of names that the schema does not list, and what is asked of their values. */
  record Others(Dfa names, Ref value, int present) {}

  private record Key(int low, int high, int depth, List<Integer> others) {}

  private final Shapes shapes;
  private final ObjectSpec spec;
  private final byte[][] names; // sorted
  private final Ref[] values;
  private final int[] presents; // of a name the bits of spec.present() that it can be
  private final BitSet allowed = new BitSet();
  private final BitSet required = new BitSet();
  private final BitSet[] dependent; // of a name, or null
  private final List<Others> others;
  private final boolean open;
  private final Map<Key, Integer> numbers = new HashMap<>();
  private final List<Key> states = new ArrayList<>();
  private final int start;

  ObjectNames(Shapes shapes, ObjectSpec spec) {
    this.shapes = shapes;
    this.spec = spec;
    Map<byte[], String> texts = new java.util.TreeMap<>(Arrays::compareUnsigned);
    spec.properties().keySet().forEach(n -> texts.put(n.getBytes(StandardCharsets.UTF_8), n));
    int count = texts.size();
    names = texts.keySet().toArray(byte[][]::new);
    values = new Ref[count];
    presents = new int[count];
    dependent = new BitSet[count];
    Map<String, Integer> numberOf = new HashMap<>();
    texts.values().forEach(text -> numberOf.put(text, numberOf.size()));
    numberOf.forEach(
        (text, i) -> {
          values[i] = spec.properties().get(text);
          allowed.set(i, shapes.inhabited(values[i]));
          required.set(i, spec.required().contains(text));
          for (int p = 0; p < spec.present().size(); p++) {
            presents[i] |= shapes.matches(spec.present().get(p).names(), text) ? 1 << p : 0;
          }
        });
    for (Map.Entry<String, Set<String>> dependency : spec.dependent().entrySet()) {
      BitSet needed = new BitSet();
      dependency.getValue().forEach(name -> needed.set(numberOf.get(name)));
      dependent[numberOf.get(dependency.getKey())] = needed;
    }
    open = spec.groups().isEmpty() && spec.present().isEmpty();
    others = open ? List.of(new Others(Automata.of(Regex.ANY_TEXT), Ref.TRUE, 0)) : classes();
    boolean bounded = spec.max() != ObjectSpec.UNBOUNDED || spec.present().size() > 4;
    if (!spec.present().isEmpty() && bounded) {
      throw SchemaProblem.unsupported(
          "additionalProperties or patternProperties",
          "#",
          "they are within not, oneOf or if and meet maxProperties");
    }
    start = number(0, count, 0, others.stream().map(o -> o.names().start()).toList());
  }

  private record Part(Regex names, Ref value, boolean matched, int present) {}

  /** Parts all names by the patterns that match them. */
  private List<Others> classes() {
    List<Part> parts = List.of(new Part(Regex.ANY_TEXT, Ref.TRUE, false, 0));
    for (Group group : spec.groups()) {
      for (Named pattern : group.patterns()) {
        List<Part> next = new ArrayList<>();
        for (Part part : parts) {
          Ref both = shapes.and(part.value(), pattern.value());
          Regex in = Regex.intersection(part.names(), pattern.names());
          next.add(new Part(in, both, true, part.present()));
          next.add(
              new Part(
                  part.names().minus(pattern.names()),
                  part.value(),
                  part.matched(),
                  part.present()));
        }
        parts = some(next);
      }
      List<Part> next = new ArrayList<>();
      for (Part part : parts) {
        Ref value = part.matched() ? part.value() : shapes.and(part.value(), group.additional());
        next.add(new Part(part.names(), value, false, part.present()));
      }
      parts = some(next);
    }
    for (int p = 0; p < spec.present().size(); p++) {
      Regex present = spec.present().get(p).names();
      List<Part> next = new ArrayList<>();
      for (Part part : parts) {
        Regex in = Regex.intersection(part.names(), present);
        next.add(new Part(in, part.value(), false, part.present() | 1 << p));
        next.add(new Part(part.names().minus(present), part.value(), false, part.present()));
      }
      parts = some(next);
    }
    if (parts.isEmpty()) {
      return List.of();
    }
    List<Others> classes = new ArrayList<>();
    Regex listed =
        spec.properties().isEmpty() ? Regex.NOTHING : Regex.strings(spec.properties().keySet());
    for (Part part : parts) {
      if (shapes.inhabited(part.value())) {
        boolean all = part.names() == Regex.ANY_TEXT || listed == Regex.NOTHING;
        Dfa automaton = Automata.of(all ? part.names() : part.names().minus(listed));
        if (automaton.start() != Dfa.DEAD) {
          classes.add(new Others(automaton, part.value(), part.present()));
        }
      }
    }
    return classes;
  }

  private List<Part> some(List<Part> parts) {
    List<Part> some = new ArrayList<>();
    for (Part part : parts) {
      if (part.value() != Ref.FALSE && shapes.automaton(part.names()).start() != Dfa.DEAD) {
        some.add(part);
      }
    }
    if (some.size() > MAX_CLASSES) {
      throw SchemaProblem.unsupported(
          "patternProperties", "#", "they part names in more than " + MAX_CLASSES + " classes");
    }
    return some;
  }

  ObjectSpec spec() {
    return spec;
  }

  /** Whether there is any such object. */
  boolean canEnd() {
    BitSet needed = new BitSet();
    needed.or(required);
    close(needed);
    if (!isSubset(needed, allowed)) {
      return false;
    }
    boolean room = Math.max(needed.cardinality(), spec.min()) <= spec.max();
    boolean enough = !others.isEmpty() || addable().cardinality() >= spec.min();
    return room && enough && canPresent(0, new BitSet());
  }

  /** The listed names that an object of some size can have, with all that they need. */
  private BitSet addable() {
    BitSet all = new BitSet();
    for (int i = allowed.nextSetBit(0); i >= 0; i = allowed.nextSetBit(i + 1)) {
      BitSet needed = new BitSet();
      needed.set(i);
      close(needed);
      all.set(i, isSubset(needed, allowed));
    }
    return all;
  }

  private static boolean isSubset(BitSet a, BitSet b) {
    BitSet rest = (BitSet) a.clone();
    rest.andNot(b);
    return rest.isEmpty();
  }

  /** Adds to some names all that depend on them. */
  private void close(BitSet set) {
    if (spec.dependent().isEmpty()) {
      return;
    }
    boolean more = true;
    while (more) {
      int before = set.cardinality();
      for (int i = set.nextSetBit(0); i >= 0; i = set.nextSetBit(i + 1)) {
        if (dependent[i] != null) {
          set.or(dependent[i]);
        }
      }
      more = set.cardinality() > before;
    }
  }

  /** The names that must still come. */
  private BitSet missing(BitSet seen) {
    BitSet missing = (BitSet) required.clone();
    if (!spec.dependent().isEmpty()) {
      missing.or(seen);
      close(missing);
    }
    missing.andNot(seen);
    return missing;
  }

  /** Whether what must be among the members can still come. */
  boolean canPresent(int satisfied, BitSet seen) {
    for (int p = 0; p < spec.present().size(); p++) {
      int bit = 1 << p;
      if ((satisfied & bit) == 0 && !canPresent(bit, spec.present().get(p), seen)) {
        return false;
      }
    }
    return true;
  }

  private boolean canPresent(int bit, Present present, BitSet seen) {
    for (Others other : others) {
      if ((other.present() & bit) != 0
          && shapes.inhabited(shapes.and(other.value(), present.value()))) {
        return true;
      }
    }
    for (int i = allowed.nextSetBit(0); i >= 0; i = allowed.nextSetBit(i + 1)) {
      if (!seen.get(i)
          && (presents[i] & bit) != 0
          && shapes.inhabited(shapes.and(values[i], present.value()))) {
        return true;
      }
    }
    return false;
  }

  /** Whether an object may end. */
  boolean mayClose(BitSet seen, int count, int satisfied) {
    return count >= spec.min()
        && Integer.bitCount(satisfied) == spec.present().size()
        && missing(seen).isEmpty();
  }

  /** Whether a name that is not listed may come. */
  boolean mayAddOther(BitSet seen, int count) {
    return !others.isEmpty()
        && (spec.max() == ObjectSpec.UNBOUNDED
            || count + 1 + missing(seen).cardinality() <= spec.max());
  }

  /** Whether a listed name may come. */
  boolean mayAdd(int name, BitSet seen, int count) {
    if (seen.get(name) || !allowed.get(name)) {
      return false;
    }
    if (spec.max() == ObjectSpec.UNBOUNDED && spec.dependent().isEmpty()) {
      return true;
    }
    BitSet with = (BitSet) seen.clone();
    with.set(name);
    BitSet missing = missing(with);
    return isSubset(missing, allowed)
        && (spec.max() == ObjectSpec.UNBOUNDED || count + 1 + missing.cardinality() <= spec.max());
  }

  /** Whether any name may come. */
  boolean mayAddAny(BitSet seen, int count) {
    return mayAddOther(seen, count) || mayAddOf(0, names.length, seen, count);
  }

  private boolean mayAddOf(int low, int high, BitSet seen, int count) {
    for (int i = seen.nextClearBit(low); i < high; i = seen.nextClearBit(i + 1)) {
      if (mayAdd(i, seen, count)) {
        return true;
      }
    }
    return false;
  }

  int start() {
    return start;
  }

  private int number(int low, int high, int depth, List<Integer> at) {
    Key key = new Key(low, high, low == high ? 0 : depth, at);
    Integer known = numbers.putIfAbsent(key, states.size());
    if (known == null) {
      states.add(key);
      return states.size() - 1;
    }
    return known;
  }

  /** The state after a byte of a name; {@link Dfa#DEAD} if no name that may come begins so. */
  int step(int state, int b, BitSet seen, int count) {
    Key from = states.get(state);
    int low = from.low();
    while (low < from.high() && unit(low, from.depth()) < b) {
      low++;
    }
    int high = low;
    while (high < from.high() && unit(high, from.depth()) == b) {
      high++;
    }
    List<Integer> at = new ArrayList<>(others.size());
    boolean other = false;
    for (int i = 0; i < others.size(); i++) {
      int position = from.others().get(i);
      int next = position == Dfa.DEAD ? Dfa.DEAD : others.get(i).names().next(position, b);
      other |= next != Dfa.DEAD;
      at.add(next);
    }
    if (!(other && mayAddOther(seen, count)) && !mayAddOf(low, high, seen, count)) {
      return Dfa.DEAD;
    }
    return number(low == high ? 0 : low, low == high ? 0 : high, from.depth() + 1, at);
  }

  private int unit(int name, int depth) {
    return depth < names[name].length ? names[name][depth] & 0xFF : -1;
  }

  /** The listed name that ends at a state, or -1. */
  int listed(int state) {
    Key at = states.get(state);
    return at.low() < at.high() && names[at.low()].length == at.depth() ? at.low() : -1;
  }

  /** The class of names that are not listed that one which ends at a state is of, or null. */
  Others other(int state) {
    Key at = states.get(state);
    for (int i = 0; i < others.size(); i++) {
      int position = at.others().get(i);
      if (position != Dfa.DEAD && others.get(i).names().accepting(position)) {
        return others.get(i);
      }
    }
    return null;
  }

  /** Whether every name that is not listed may come. */
  boolean isOpen() {
    return open;
  }

  /** The value that is asked of a listed name. */
  Ref value(int name) {
    return values[name];
  }

  int presents(int name) {
    return presents[name];
  }
}
