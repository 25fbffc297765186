package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Regex;
import dev.baichuan4j.internal.engine.constrain.schema.ObjectSpec.Group;
import dev.baichuan4j.internal.engine.constrain.schema.ObjectSpec.Named;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The keywords of objects. */
final class ObjectKeywords {
  private static final List<String> MEMBERS =
      List.of(
          "properties",
          "patternProperties",
          "additionalProperties",
          "required",
          "minProperties",
          "maxProperties",
          "propertyNames",
          "dependentRequired",
          "dependentSchemas",
          "dependencies");

  private final Shapes shapes;

  ObjectKeywords(Shapes shapes) {
    this.shapes = shapes;
  }

  Shape read(SchemaNode node) {
    if (MEMBERS.stream().noneMatch(node::has)) {
      return Shape.ANYTHING;
    }
    int min = node.count("minProperties", 0);
    int max = node.count("maxProperties", ObjectSpec.UNBOUNDED);
    ObjectSpec spec = members(node);
    Map<String, Set<String>> dependent = dependent(node);
    Set<String> required = new LinkedHashSet<>();
    if (node.has("required")) {
      required.addAll(node.strings("required"));
    }
    Map<String, Ref> properties = new LinkedHashMap<>(spec.properties());
    for (String name : required) {
      properties.computeIfAbsent(name, n -> shapes.value(spec, n));
    }
    dependent.forEach(
        (name, others) -> {
          properties.computeIfAbsent(name, n -> shapes.value(spec, n));
          others.forEach(o -> properties.computeIfAbsent(o, n -> shapes.value(spec, n)));
        });
    ObjectSpec all =
        new ObjectSpec(properties, spec.groups(), required, min, max, dependent, List.of());
    if (node.has("propertyNames")) {
      Regex names = shapes.shape(shapes.ref(node.child("propertyNames"))).strings();
      if (names != Regex.ANY_TEXT) {
        Group named = new Group(List.of(new Named(names, Ref.TRUE)), Ref.FALSE);
        all = Conjunctions.and(shapes, all, ObjectSpec.ofGroup(named));
      }
    }
    Shape shape = Shape.ANYTHING.withObjects(Conjunctions.mayExist(all) ? List.of(all) : List.of());
    for (String keyword : List.of("dependentSchemas", "dependencies")) {
      for (Map.Entry<String, ?> dependency : map(node, keyword).entrySet()) {
        if (!(dependency.getValue() instanceof List<?>)) {
          shape = dependentSchema(shape, node, keyword, dependency.getKey());
        }
      }
    }
    return shape;
  }

  private ObjectSpec members(SchemaNode node) {
    List<Named> patterns = new ArrayList<>();
    for (Map.Entry<String, SchemaNode> member : node.named("patternProperties").entrySet()) {
      Regex names = Patterns.search(member.getKey(), node, "patternProperties");
      patterns.add(new Named(names, shapes.ref(member.getValue())));
    }
    Ref additional =
        node.has("additionalProperties")
            ? shapes.ref(node.child("additionalProperties"))
            : Ref.TRUE;
    ObjectSpec matched = ObjectSpec.ofGroup(new Group(patterns, Ref.TRUE));
    Map<String, Ref> properties = new LinkedHashMap<>();
    for (Map.Entry<String, SchemaNode> member : node.named("properties").entrySet()) {
      String name = member.getKey();
      Ref value = shapes.ref(member.getValue());
      properties.put(
          name, patterns.isEmpty() ? value : shapes.and(value, shapes.value(matched, name)));
    }
    boolean open = patterns.isEmpty() && additional == Ref.TRUE;
    List<Group> groups = open ? List.of() : List.of(new Group(patterns, additional));
    return new ObjectSpec(
        properties, groups, Set.of(), 0, ObjectSpec.UNBOUNDED, Map.of(), List.of());
  }

  private static Map<String, Set<String>> dependent(SchemaNode node) {
    Map<String, Set<String>> dependent = new LinkedHashMap<>();
    for (String keyword : List.of("dependentRequired", "dependencies")) {
      for (Map.Entry<String, ?> dependency : map(node, keyword).entrySet()) {
        Object others = dependency.getValue();
        if (others instanceof String other && keyword.equals("dependencies")) {
          others = List.of(other); // as draft 3 has it
        }
        if (others instanceof List<?> || keyword.equals("dependentRequired")) {
          dependent
              .computeIfAbsent(dependency.getKey(), n -> new LinkedHashSet<>())
              .addAll(node.strings(keyword, others));
        }
      }
    }
    return dependent;
  }

  private Shape dependentSchema(Shape shape, SchemaNode node, String keyword, String name) {
    Object json = ((Map<?, ?>) node.get(keyword)).get(name);
    if (json instanceof String) {
      return shape;
    }
    Ref schema = shapes.ref(node.named(keyword, name, json));
    Shape without =
        Shape.ANYTHING.withObjects(List.of(ObjectSpec.ofProperty(name, Ref.FALSE, false)));
    Shape with = Shape.NOTHING.withObjects(List.of(ObjectSpec.ofProperty(name, Ref.TRUE, true)));
    Shape both = shapes.and(with, shapes.shape(schema), node);
    return shapes.and(shape, shapes.or(List.of(without, both), node), node);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, ?> map(SchemaNode node, String keyword) {
    if (!node.has(keyword)) {
      return Map.of();
    }
    if (node.get(keyword) instanceof Map<?, ?> map) {
      return (Map<String, ?>) map;
    }
    throw node.malformed(keyword, "an object");
  }

  /** One object. */
  ObjectSpec constant(Map<?, ?> value, String keyword, SchemaNode node) {
    Map<String, Ref> properties = new LinkedHashMap<>();
    value.forEach(
        (name, member) ->
            properties.put((String) name, shapes.ref(node.constant(member, keyword))));
    return new ObjectSpec(
        properties,
        List.of(Group.CLOSED),
        properties.keySet(),
        0,
        ObjectSpec.UNBOUNDED,
        Map.of(),
        List.of());
  }
}
