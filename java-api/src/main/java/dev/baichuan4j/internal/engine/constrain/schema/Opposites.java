package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Regex;
import dev.baichuan4j.internal.engine.constrain.schema.ArraySpec.Contained;
import dev.baichuan4j.internal.engine.constrain.schema.ObjectSpec.Group;
import dev.baichuan4j.internal.engine.constrain.schema.ObjectSpec.Named;
import dev.baichuan4j.internal.engine.constrain.schema.ObjectSpec.Present;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The values that are not of a shape: what each of its alternatives can be violated by. */
final class Opposites {
  private final Shapes shapes;

  Opposites(Shapes shapes) {
    this.shapes = shapes;
  }

  Shape of(Shape shape, SchemaNode node) {
    Shape all =
        Shape.ANYTHING
            .withLiterals(Shape.ALL_LITERALS & ~shape.literals())
            .withStrings(opposite(shape.strings()));
    for (NumberSpec spec : shape.numbers()) {
      all = shapes.and(all, Shape.ANYTHING.withNumbers(spec.opposite()), node);
    }
    for (ArraySpec spec : shape.arrays()) {
      all = shapes.and(all, Shape.ANYTHING.withArrays(of(spec, node)), node);
    }
    for (ObjectSpec spec : shape.objects()) {
      all = shapes.and(all, Shape.ANYTHING.withObjects(of(spec, node)), node);
    }
    return all;
  }

  private static Regex opposite(Regex strings) {
    return strings == Regex.NOTHING
        ? Regex.ANY_TEXT
        : strings == Regex.ANY_TEXT ? Regex.NOTHING : strings.complement();
  }

  private List<ArraySpec> of(ArraySpec spec, SchemaNode node) {
    if (spec.unique()) {
      throw node.unsupported("uniqueItems", "it is within not, oneOf or if");
    }
    List<ArraySpec> all = new ArrayList<>();
    if (spec.min() > 0) {
      all.add(ofSize(0, spec.min() - 1));
    }
    if (spec.max() != ArraySpec.UNBOUNDED) {
      all.add(ofSize(spec.max() + 1, ArraySpec.UNBOUNDED));
    }
    int size = spec.prefix().size();
    for (int i = 0; i < size; i++) {
      for (Ref other : shapes.not(spec.prefix().get(i))) {
        List<Ref> prefix = new ArrayList<>(Collections.nCopies(i, Ref.TRUE));
        prefix.add(other);
        all.add(new ArraySpec(prefix, Ref.TRUE, i + 1, ArraySpec.UNBOUNDED, List.of(), false));
      }
    }
    for (Ref other : shapes.not(spec.rest())) {
      all.add(
          new ArraySpec(
              List.of(),
              Ref.TRUE,
              size + 1,
              ArraySpec.UNBOUNDED,
              List.of(new Contained(size, other)),
              false));
    }
    for (Contained contained : spec.contains()) {
      List<Ref> others = shapes.not(contained.item());
      if (others.size() != 1) {
        throw node.unsupported("contains", "it is within not, oneOf or if beside other keywords");
      }
      all.add(
          new ArraySpec(
              Collections.nCopies(contained.from(), Ref.TRUE),
              others.get(0),
              0,
              ArraySpec.UNBOUNDED,
              List.of(),
              false));
    }
    return all;
  }

  private static ArraySpec ofSize(int min, int max) {
    return new ArraySpec(List.of(), Ref.TRUE, min, max, List.of(), false);
  }

  private List<ObjectSpec> of(ObjectSpec spec, SchemaNode node) {
    List<ObjectSpec> all = new ArrayList<>();
    for (String name : spec.required()) {
      all.add(ObjectSpec.ofProperty(name, Ref.FALSE, false));
    }
    for (Map.Entry<String, Ref> member : spec.properties().entrySet()) {
      for (Ref other : shapes.not(member.getValue())) {
        all.add(ObjectSpec.ofProperty(member.getKey(), other, true));
      }
    }
    if (spec.min() > 0) {
      all.add(ObjectSpec.ofSize(0, spec.min() - 1));
    }
    if (spec.max() != ObjectSpec.UNBOUNDED) {
      all.add(ObjectSpec.ofSize(spec.max() + 1, ObjectSpec.UNBOUNDED));
    }
    for (Map.Entry<String, Set<String>> dependency : spec.dependent().entrySet()) {
      for (String other : dependency.getValue()) {
        all.add(
            new ObjectSpec(
                Map.of(dependency.getKey(), Ref.TRUE, other, Ref.FALSE),
                List.of(),
                Set.of(dependency.getKey()),
                0,
                ObjectSpec.UNBOUNDED,
                Map.of(),
                List.of()));
      }
    }
    Regex unnamed = Regex.ANY_TEXT;
    if (!spec.properties().isEmpty()) {
      unnamed = unnamed.minus(Regex.strings(spec.properties().keySet()));
    }
    for (Group group : spec.groups()) {
      Regex unmatched = unnamed;
      for (Named pattern : group.patterns()) {
        addPresent(all, Regex.intersection(unnamed, pattern.names()), pattern.value());
        unmatched = unmatched.minus(pattern.names());
      }
      addPresent(all, unmatched, group.additional());
    }
    for (Present present : spec.present()) {
      for (Ref other : shapes.not(present.value())) {
        if (shapes.not(present.value()).size() != 1) {
          throw node.unsupported("additionalProperties", "it is within nested not, oneOf or if");
        }
        all.add(
            ObjectSpec.ofGroup(new Group(List.of(new Named(present.names(), other)), Ref.TRUE)));
      }
    }
    return all;
  }

  private void addPresent(List<ObjectSpec> all, Regex names, Ref value) {
    for (Ref other : shapes.not(value)) {
      all.add(
          new ObjectSpec(
              Map.of(),
              List.of(),
              Set.of(),
              1,
              ObjectSpec.UNBOUNDED,
              Map.of(),
              List.of(new Present(names, other))));
    }
  }
}
