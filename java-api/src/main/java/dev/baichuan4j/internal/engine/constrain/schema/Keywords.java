package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Regex;
import dev.baichuan4j.internal.json.JsonTree;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the keywords of one place ask for together. */
final class Keywords {
  /** Keywords of some edition that no automaton enforces yet. */
  private static final Set<String> UNSUPPORTED =
      Set.of("unevaluatedItems", "extends", "disallow", "divisibleBy");

  private final Shapes shapes;
  private final Applicators applicators;
  private final ArrayKeywords arrays;
  private final ObjectKeywords objects;

  Keywords(Shapes shapes) {
    this.shapes = shapes;
    this.applicators = new Applicators(shapes);
    this.arrays = new ArrayKeywords(shapes);
    this.objects = new ObjectKeywords(shapes);
  }

  Shape shape(SchemaNode node) {
    for (Object keyword : node.keywords().keySet()) {
      if (UNSUPPORTED.contains(keyword)) {
        throw node.unsupported((String) keyword, "it is not supported");
      }
    }
    if (node.has("$ref") && node.draft().refAlone()) {
      return shapes.shape(node.target("$ref"));
    }
    Shape all = types(node);
    if (node.has("const")) {
      all = shapes.and(all, constant(node.get("const"), "const", node), node);
    }
    if (node.has("enum")) {
      all = shapes.and(all, enumeration(node), node);
    }
    if (!all.numbers().isEmpty()) {
      all = shapes.and(all, Shape.ANYTHING.withNumbers(Numbers.read(node)), node);
    }
    all = shapes.and(all, Shape.ANYTHING.withStrings(strings(node, all)), node);
    all = shapes.and(all, Shape.ANYTHING.withArrays(arrays.read(node)), node);
    all = shapes.and(all, objects.read(node), node);
    return applicators.apply(all, node);
  }

  private Shape enumeration(SchemaNode node) {
    List<String> texts = new ArrayList<>();
    List<Shape> all = new ArrayList<>();
    for (Object value : node.list("enum")) {
      if (value instanceof String text) {
        texts.add(text);
      } else {
        all.add(constant(value, "enum", node));
      }
    }
    if (!texts.isEmpty()) {
      all.add(Shape.NOTHING.withStrings(Automata.texts(texts)));
    }
    if (all.isEmpty()) {
      throw node.malformed("enum", "at least one value");
    }
    return shapes.or(all, node);
  }

  private Shape types(SchemaNode node) {
    if (!node.has("type")) {
      return Shape.ANYTHING;
    }
    List<String> names =
        node.get("type") instanceof String name ? List.of(name) : node.strings("type");
    List<Shape> types = new ArrayList<>();
    for (String name : names) {
      types.add(
          switch (name) {
            case "null" -> Shape.NOTHING.withLiterals(Shape.NULL);
            case "boolean" -> Shape.NOTHING.withLiterals(Shape.FALSE | Shape.TRUE);
            case "number" -> Shape.NOTHING.withNumbers(List.of(NumberSpec.ANY));
            case "integer" -> Shape.NOTHING.withNumbers(List.of(Numbers.integer(node.draft())));
            case "string" -> Shape.NOTHING.withStrings(Regex.ANY_TEXT);
            case "array" -> Shape.NOTHING.withArrays(List.of(ArraySpec.ANY));
            case "object" -> Shape.NOTHING.withObjects(List.of(ObjectSpec.ANY));
            default -> throw node.malformed("type", "names of JSON's types");
          });
    }
    if (types.isEmpty()) {
      throw node.malformed("type", "at least one type");
    }
    return shapes.or(types, node);
  }

  /** One value. */
  private Shape constant(Object value, String keyword, SchemaNode node) {
    if (value == JsonTree.NULL) {
      return Shape.NOTHING.withLiterals(Shape.NULL);
    }
    if (value instanceof Boolean b) {
      return Shape.NOTHING.withLiterals(b ? Shape.TRUE : Shape.FALSE);
    }
    if (value instanceof BigDecimal number) {
      return Shape.NOTHING.withNumbers(
          List.of(NumberSpec.exactly(Numbers.bounded(number, keyword, node))));
    }
    if (value instanceof String text) {
      return Shape.NOTHING.withStrings(Automata.texts(List.of(text)));
    }
    if (value instanceof List<?> list) {
      List<Ref> items = new ArrayList<>();
      for (Object item : list) {
        items.add(shapes.ref(node.constant(item, keyword)));
      }
      int size = items.size();
      return Shape.NOTHING.withArrays(
          List.of(new ArraySpec(items, Ref.FALSE, size, size, List.of(), false)));
    }
    Map<?, ?> map = (Map<?, ?>) value;
    return Shape.NOTHING.withObjects(List.of(objects.constant(map, keyword, node)));
  }

  private static Regex strings(SchemaNode node, Shape allowed) {
    Regex all = Regex.ANY_TEXT;
    if (node.has("minLength") || node.has("maxLength")) {
      int min = node.count("minLength", 0);
      int max = node.count("maxLength", Regex.UNBOUNDED);
      boolean unbounded = min == 0 && max == Regex.UNBOUNDED;
      if (min > max || min == Integer.MAX_VALUE) {
        all = Regex.NOTHING;
      } else if (!unbounded) {
        all = Regex.repeat(Regex.ANY_CHARACTER, min, max);
      }
    }
    if (node.has("pattern")) {
      all = and(all, Patterns.search(node.string("pattern"), node, "pattern"));
    }
    if (node.has("format") && node.get("format") instanceof String format) {
      Regex strings = Formats.strings(format);
      if (strings != null) {
        all = and(all, strings);
      } else if (!Formats.isNumeric(format) && allowed.strings() != Regex.NOTHING) {
        throw node.unsupported("format", "the format " + format + " is not known");
      }
    }
    return all;
  }

  private static Regex and(Regex a, Regex b) {
    return a == Regex.ANY_TEXT ? b : b == Regex.ANY_TEXT ? a : Regex.intersection(a, b);
  }
}
