package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.schema.ArraySpec.Contained;
import java.util.ArrayList;
import java.util.List;

/** The keywords of arrays. */
final class ArrayKeywords {
  private static final List<String> ALL =
      List.of(
          "items",
          "prefixItems",
          "additionalItems",
          "minItems",
          "maxItems",
          "contains",
          "uniqueItems");

  private final Shapes shapes;

  ArrayKeywords(Shapes shapes) {
    this.shapes = shapes;
  }

  List<ArraySpec> read(SchemaNode node) {
    if (ALL.stream().noneMatch(node::has)) {
      return List.of(ArraySpec.ANY);
    }
    List<Ref> prefix = new ArrayList<>();
    Ref rest = Ref.TRUE;
    if (node.has("prefixItems")) {
      node.children("prefixItems").forEach(item -> prefix.add(shapes.ref(item)));
    }
    if (node.get("items") instanceof List<?>) {
      node.children("items").forEach(item -> prefix.add(shapes.ref(item)));
      if (node.has("additionalItems")) {
        rest = shapes.ref(node.child("additionalItems"));
      }
    } else if (node.has("items")) {
      rest = shapes.ref(node.child("items"));
    }
    int min = node.count("minItems", 0);
    int max = node.count("maxItems", ArraySpec.UNBOUNDED);
    boolean unique = Boolean.TRUE.equals(node.get("uniqueItems")) && max > 1;
    List<Contained> contains = contains(node);
    boolean none = min > max || min == Integer.MAX_VALUE;
    return none ? List.of() : List.of(new ArraySpec(prefix, rest, min, max, contains, unique));
  }

  private List<Contained> contains(SchemaNode node) {
    if (!node.has("contains")) {
      return List.of();
    }
    if (node.has("maxContains")) {
      throw node.unsupported("maxContains", "it is not supported");
    }
    int min = node.count("minContains", 1);
    if (min > 1) {
      throw node.unsupported("minContains", "only 0 and 1 are supported");
    }
    return min == 0 ? List.of() : List.of(new Contained(0, shapes.ref(node.child("contains"))));
  }
}
