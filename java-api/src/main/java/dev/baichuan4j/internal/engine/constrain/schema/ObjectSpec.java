package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Regex;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Objects of some members.
 *
 * @param properties what the values of some names are; all that the groups ask of them included
 * @param groups what is asked of the values of all other names: all groups must hold
 * @param required the names that must be there, each of them in {@code properties}
 * @param min the least number of members
 * @param max the greatest number of members, or {@link #UNBOUNDED}
 * @param dependent for a name the names that must be there too, all of them in {@code properties}
 * @param present what must be among the members with other names
 */
record ObjectSpec(
    Map<String, Ref> properties,
    List<Group> groups,
    Set<String> required,
    int min,
    int max,
    Map<String, Set<String>> dependent,
    List<Present> present) {

  static final int UNBOUNDED = Integer.MAX_VALUE;
  static final ObjectSpec ANY =
      new ObjectSpec(Map.of(), List.of(), Set.of(), 0, UNBOUNDED, Map.of(), List.of());

  /** Values of names that a pattern matches somewhere. */
  record Named(Regex names, Ref value) {}

  /** Values by name: all patterns that match must hold, and {@code additional} where none does. */
  record Group(List<Named> patterns, Ref additional) {
    static final Group CLOSED = new Group(List.of(), Ref.FALSE);
  }

  /** A member that must be there: with a name out of a set and a value. */
  record Present(Regex names, Ref value) {}

  static ObjectSpec ofGroup(Group group) {
    return new ObjectSpec(Map.of(), List.of(group), Set.of(), 0, UNBOUNDED, Map.of(), List.of());
  }

  /** Objects whose member of one name is something, if it is there or because it must be. */
  static ObjectSpec ofProperty(String name, Ref value, boolean required) {
    return new ObjectSpec(
        Map.of(name, value),
        List.of(),
        required ? Set.of(name) : Set.of(),
        0,
        UNBOUNDED,
        Map.of(),
        List.of());
  }

  static ObjectSpec ofSize(int min, int max) {
    return new ObjectSpec(Map.of(), List.of(), Set.of(), min, max, Map.of(), List.of());
  }
}
