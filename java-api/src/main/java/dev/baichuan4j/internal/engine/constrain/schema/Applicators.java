package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.schema.ObjectSpec.Group;
import dev.baichuan4j.internal.engine.constrain.schema.ObjectSpec.Named;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The keywords that put schemas together. */
final class Applicators {
  /** Keywords through which the names that have been looked at depend on the value. */
  private static final Set<String> CONDITIONAL =
      Set.of("anyOf", "oneOf", "if", "not", "dependentSchemas", "dependencies", "$dynamicRef");

  private final Shapes shapes;

  Applicators(Shapes shapes) {
    this.shapes = shapes;
  }

  /** The part of a shape that the applicators of a place leave. */
  Shape apply(Shape shape, SchemaNode node) {
    Shape all = shape;
    if (node.has("$ref")) {
      all = shapes.and(all, shapes.shape(node.target("$ref")), node);
    }
    for (String keyword : List.of("$dynamicRef", "$recursiveRef")) {
      if (node.has(keyword)) {
        if (node.document().hasDynamicAnchors()) {
          throw node.unsupported(keyword, "the schema has dynamic anchors");
        }
        all = shapes.and(all, shapes.shape(node.target(keyword)), node);
      }
    }
    if (node.has("allOf")) {
      for (SchemaNode part : some(node, "allOf")) {
        all = shapes.and(all, shapes.shape(shapes.ref(part)), node);
      }
    }
    if (node.has("anyOf")) {
      List<Shape> parts = new ArrayList<>();
      for (SchemaNode part : some(node, "anyOf")) {
        parts.add(shapes.shape(shapes.ref(part)));
      }
      all = shapes.and(all, shapes.or(parts, node), node);
    }
    if (node.has("oneOf")) {
      all = oneOf(all, some(node, "oneOf"), node);
    }
    if (node.has("not")) {
      all = shapes.and(all, shapes.opposite(node.child("not")), node);
    }
    if (node.has("if") && (node.has("then") || node.has("else"))) {
      all = shapes.and(all, condition(node), node);
    }
    if (node.has("unevaluatedProperties")) {
      all = shapes.and(all, unevaluated(node), node);
    }
    return all;
  }

  private static List<SchemaNode> some(SchemaNode node, String keyword) {
    List<SchemaNode> parts = node.children(keyword);
    if (parts.isEmpty()) {
      throw node.malformed(keyword, "at least one schema");
    }
    return parts;
  }

  /** One part and no other: the opposites of those parts that a value might share with it. */
  private Shape oneOf(Shape shape, List<SchemaNode> parts, SchemaNode node) {
    List<Shape> each = new ArrayList<>();
    for (SchemaNode part : parts) {
      each.add(shapes.and(shape, shapes.shape(shapes.ref(part)), node));
    }
    List<Shape> alone = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      Shape one = each.get(i);
      for (int j = 0; j < parts.size(); j++) {
        if (i != j && !shapes.inhabitants().areDisjoint(one, each.get(j), node)) {
          one = shapes.and(one, shapes.opposite(parts.get(j)), node);
        }
      }
      alone.add(one);
    }
    return shapes.or(alone, node);
  }

  private Shape condition(SchemaNode node) {
    SchemaNode test = node.child("if");
    Shape yes = shapes.shape(shapes.ref(test));
    if (node.has("then")) {
      yes = shapes.and(yes, shapes.shape(shapes.ref(node.child("then"))), node);
    }
    Shape no = shapes.opposite(test);
    if (node.has("else")) {
      no = shapes.and(no, shapes.shape(shapes.ref(node.child("else"))), node);
    }
    return shapes.or(List.of(yes, no), node);
  }

  /** What is asked of members that neither this place nor a part that always applies looks at. */
  private Shape unevaluated(SchemaNode node) {
    SchemaNode others = node.child("unevaluatedProperties");
    if (Boolean.TRUE.equals(others.bool())) {
      return Shape.ANYTHING;
    }
    List<Named> evaluated = new ArrayList<>();
    if (!evaluated(node, node, evaluated)) {
      return Shape.ANYTHING;
    }
    Group group = new Group(evaluated, shapes.ref(others));
    return Shape.ANYTHING.withObjects(List.of(ObjectSpec.ofGroup(group)));
  }

  /** Collects the names that are looked at; false if all are. */
  private boolean evaluated(SchemaNode node, SchemaNode origin, List<Named> names) {
    if (node.bool() != null) {
      return true;
    }
    for (String keyword : CONDITIONAL) {
      if (node.has(keyword)) {
        throw origin.unsupported("unevaluatedProperties", "it meets " + keyword);
      }
    }
    boolean self = node == origin;
    if (node.has("additionalProperties") || !self && node.has("unevaluatedProperties")) {
      return false;
    }
    for (String name : node.named("properties").keySet()) {
      names.add(new Named(dev.baichuan4j.internal.engine.constrain.Regex.literal(name), Ref.TRUE));
    }
    for (String pattern : node.named("patternProperties").keySet()) {
      names.add(new Named(Patterns.search(pattern, node, "patternProperties"), Ref.TRUE));
    }
    boolean more = true;
    if (node.has("allOf")) {
      for (SchemaNode part : node.children("allOf")) {
        more &= evaluated(part, origin, names);
      }
    }
    if (node.has("$ref")) {
      more &= evaluated(node.target("$ref"), origin, names);
    }
    return more;
  }
}
