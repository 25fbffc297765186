package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.schema.ObjectSpec.Group;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Arrays and objects of which two things are asked. */
final class Conjunctions {
  private Conjunctions() {}

  static ArraySpec and(Shapes shapes, ArraySpec a, ArraySpec b) {
    List<Ref> prefix = new ArrayList<>();
    for (int i = 0; i < Math.max(a.prefix().size(), b.prefix().size()); i++) {
      prefix.add(shapes.and(a.item(i), b.item(i)));
    }
    return new ArraySpec(
        prefix,
        shapes.and(a.rest(), b.rest()),
        Math.max(a.min(), b.min()),
        Math.min(a.max(), b.max()),
        both(a.contains(), b.contains()),
        a.unique() || b.unique());
  }

  static ObjectSpec and(Shapes shapes, ObjectSpec a, ObjectSpec b) {
    if (a == ObjectSpec.ANY || a.equals(b)) {
      return b;
    }
    if (b == ObjectSpec.ANY) {
      return a;
    }
    Map<String, Ref> properties = new LinkedHashMap<>();
    for (Map.Entry<String, Ref> member : a.properties().entrySet()) {
      String name = member.getKey();
      properties.put(name, shapes.and(member.getValue(), shapes.value(b, name)));
    }
    for (Map.Entry<String, Ref> member : b.properties().entrySet()) {
      String name = member.getKey();
      if (!properties.containsKey(name)) {
        properties.put(name, shapes.and(shapes.value(a, name), member.getValue()));
      }
    }
    List<Group> groups = both(a.groups(), b.groups());
    Set<String> required = union(a.required(), b.required());
    Map<String, Set<String>> dependent = new LinkedHashMap<>(a.dependent());
    b.dependent().forEach((name, others) -> dependent.merge(name, others, Conjunctions::union));
    return new ObjectSpec(
        properties,
        groups.contains(Group.CLOSED) ? List.of(Group.CLOSED) : groups,
        required,
        Math.max(a.min(), b.min()),
        Math.min(a.max(), b.max()),
        dependent,
        both(a.present(), b.present()));
  }

  /** Whether an object is not excluded by what is plain to see. */
  static boolean mayExist(ObjectSpec spec) {
    if (spec.min() > spec.max() || spec.required().size() > spec.max()) {
      return false;
    }
    for (String name : spec.required()) {
      if (spec.properties().get(name) == Ref.FALSE) {
        return false;
      }
    }
    return true;
  }

  private static <T> List<T> both(List<T> a, List<T> b) {
    if (a.isEmpty() || a.equals(b)) {
      return b;
    }
    if (b.isEmpty()) {
      return a;
    }
    Set<T> all = new LinkedHashSet<>(a);
    all.addAll(b);
    return List.copyOf(all);
  }

  private static Set<String> union(Set<String> a, Set<String> b) {
    if (a.isEmpty() || a.equals(b)) {
      return b;
    }
    if (b.isEmpty()) {
      return a;
    }
    Set<String> all = new LinkedHashSet<>(a);
    all.addAll(b);
    return all;
  }
}
