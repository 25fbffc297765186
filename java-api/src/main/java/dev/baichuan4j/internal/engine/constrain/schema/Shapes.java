package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.Dfa;
import dev.baichuan4j.internal.engine.constrain.Regex;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The algebra of what a schema asks for: conjunctions of places as {@link Ref}, and what they come
 * to as {@link Shape}. A conjunction is a set of places, of which there are finitely many, so that
 * recursive schemas have finitely many conjunctions.
 */
final class Shapes {
  /** Most alternatives of arrays or objects that one value may have. */
  static final int MAX_ALTERNATIVES = 512;

  /** Most conjunctions of places. */
  private static final int MAX_REFS = 200_000;

  private final SchemaDocument document;
  private final Keywords keywords;
  private final Opposites opposites;
  private final Map<Object, SchemaNode> constants = new HashMap<>();
  private final Map<Literals, Ref> refs = new HashMap<>();
  private final Map<Regex, Dfa> automata = new HashMap<>();
  private final Map<Regex, Dfa> texts = new HashMap<>();
  private final Map<List<NumberSpec>, Dfa> numbers = new HashMap<>();
  private final Inhabitants inhabitants = new Inhabitants(this);

  /** Literals as a key. */
  private record Literals(int[] values) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Literals l && Arrays.equals(values, l.values);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(values);
    }
  }

  /** A place asks the same value to be valid by itself. */
  static final class CycleException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient SchemaNode node;

    private CycleException(SchemaNode node) {
      super(null, null, false, false);
      this.node = node;
    }

    InvalidRequestException problem() {
      return node.unsupported("$ref", "it leads back to itself without a step into the value");
    }
  }

  Shapes(SchemaDocument document) {
    this.document = document;
    this.keywords = new Keywords(this);
    this.opposites = new Opposites(this);
  }

  /** That a value is valid by a place. */
  Ref ref(SchemaNode node) {
    if (node.bool() != null) {
      return node.bool() ? Ref.TRUE : Ref.FALSE;
    }
    return node.keywords().isEmpty() ? Ref.TRUE : intern(new int[] {2 * node.number()});
  }

  /** That a value is invalid by a place. */
  Ref not(SchemaNode node) {
    if (node.bool() != null) {
      return node.bool() ? Ref.FALSE : Ref.TRUE;
    }
    return node.keywords().isEmpty() ? Ref.FALSE : intern(new int[] {2 * node.number() + 1});
  }

  /** That a value is not a given one. */
  Ref notConstant(Object value) {
    return not(constants.computeIfAbsent(canonical(value), v -> document.constant(v, "#", "")));
  }

  private static Object canonical(Object value) {
    return value instanceof BigDecimal number ? NumberSpec.normal(number) : value;
  }

  /** The alternatives of which one holds where a conjunction does not. */
  List<Ref> not(Ref ref) {
    if (ref == Ref.FALSE) {
      return List.of(Ref.TRUE);
    }
    return Arrays.stream(ref.literals()).mapToObj(l -> intern(new int[] {l ^ 1})).toList();
  }

  /** That two conjunctions hold. */
  Ref and(Ref a, Ref b) {
    if (a == b || b == Ref.TRUE || a == Ref.FALSE) {
      return a;
    }
    if (a == Ref.TRUE || b == Ref.FALSE) {
      return b;
    }
    int[] merged = new int[a.literals().length + b.literals().length];
    int size = 0;
    for (int i = 0, j = 0; i < a.literals().length || j < b.literals().length; ) {
      int x = i < a.literals().length ? a.literals()[i] : Integer.MAX_VALUE;
      int y = j < b.literals().length ? b.literals()[j] : Integer.MAX_VALUE;
      int next = Math.min(x, y);
      i += x == next ? 1 : 0;
      j += y == next ? 1 : 0;
      if (size > 0 && (merged[size - 1] ^ 1) == next) {
        return Ref.FALSE; // a place and its opposite are neighbours
      }
      merged[size++] = next;
    }
    return intern(Arrays.copyOf(merged, size));
  }

  private Ref intern(int[] literals) {
    if (refs.size() >= MAX_REFS) {
      throw SchemaProblem.unsupported(
          "schema", "#", "its parts meet in more than " + MAX_REFS + " combinations");
    }
    return refs.computeIfAbsent(new Literals(literals), l -> new Ref(l.values()));
  }

  /** What a conjunction comes to. */
  Shape shape(Ref ref) {
    if (ref.shape == null) {
      Shape all = Shape.ANYTHING;
      for (int literal : ref.literals()) {
        SchemaNode node = document.node(literal / 2);
        Shape one = literal % 2 == 0 ? shape(node) : opposite(node);
        all = and(all, one, node);
      }
      ref.shape = all;
    }
    return ref.shape;
  }

  /** What a place asks for. */
  Shape shape(SchemaNode node) {
    if (node.bool() != null) {
      return node.bool() ? Shape.ANYTHING : Shape.NOTHING;
    }
    if (node.shape == null) {
      if (node.expanding) {
        throw new CycleException(node);
      }
      node.expanding = true;
      try {
        node.shape = keywords.shape(node);
      } finally {
        node.expanding = false;
      }
    }
    return node.shape;
  }

  /** What is left where a place does not hold. */
  Shape opposite(SchemaNode node) {
    if (node.bool() != null) {
      return node.bool() ? Shape.NOTHING : Shape.ANYTHING;
    }
    if (node.opposite == null) {
      node.opposite = opposites.of(shape(node), node);
    }
    return node.opposite;
  }

  boolean inhabited(Ref ref) {
    return inhabitants.any(ref);
  }

  Inhabitants inhabitants() {
    return inhabitants;
  }

  /** The values that are in both; {@code node} is where this is asked for. */
  Shape and(Shape a, Shape b, SchemaNode node) {
    if (a == Shape.ANYTHING) {
      return b;
    }
    if (b == Shape.ANYTHING) {
      return a;
    }
    Set<NumberSpec> numbers = new LinkedHashSet<>();
    for (NumberSpec x : a.numbers()) {
      for (NumberSpec y : b.numbers()) {
        NumberSpec both = x == y ? x : x.and(y);
        if (both != null) {
          numbers.add(both);
        }
      }
    }
    return new Shape(
        a.literals() & b.literals(),
        List.copyOf(numbers),
        andStrings(a.strings(), b.strings()),
        andArrays(a.arrays(), b.arrays(), node),
        andObjects(a.objects(), b.objects(), node));
  }

  private static Regex andStrings(Regex a, Regex b) {
    if (a == Regex.ANY_TEXT || a == b || b == Regex.NOTHING) {
      return b;
    }
    return b == Regex.ANY_TEXT || a == Regex.NOTHING ? a : Regex.intersection(a, b);
  }

  private List<ArraySpec> andArrays(List<ArraySpec> a, List<ArraySpec> b, SchemaNode node) {
    if (isAnyArray(a) || b.isEmpty()) {
      return b;
    }
    if (isAnyArray(b) || a.isEmpty()) {
      return a;
    }
    Set<ArraySpec> all = new LinkedHashSet<>();
    for (ArraySpec x : a) {
      for (ArraySpec y : b) {
        ArraySpec both = Conjunctions.and(this, x, y);
        if (both.min() <= both.max()) {
          all.add(both);
          requireRoom(all, node);
        }
      }
    }
    return List.copyOf(all);
  }

  private List<ObjectSpec> andObjects(List<ObjectSpec> a, List<ObjectSpec> b, SchemaNode node) {
    if (isAnyObject(a) || b.isEmpty()) {
      return b;
    }
    if (isAnyObject(b) || a.isEmpty()) {
      return a;
    }
    Set<ObjectSpec> all = new LinkedHashSet<>();
    for (ObjectSpec x : a) {
      for (ObjectSpec y : b) {
        ObjectSpec both = Conjunctions.and(this, x, y);
        if (Conjunctions.mayExist(both)) {
          all.add(both);
          requireRoom(all, node);
        }
      }
    }
    return List.copyOf(all);
  }

  private static boolean isAnyArray(List<ArraySpec> specs) {
    return specs.size() == 1 && specs.get(0) == ArraySpec.ANY;
  }

  private static boolean isAnyObject(List<ObjectSpec> specs) {
    return specs.size() == 1 && specs.get(0) == ObjectSpec.ANY;
  }

  private static void requireRoom(Set<?> alternatives, SchemaNode node) {
    if (alternatives.size() > MAX_ALTERNATIVES) {
      throw SchemaProblem.unsupported(
          "anyOf, oneOf, not or if",
          node.pointer(),
          "its parts meet in more than " + MAX_ALTERNATIVES + " alternatives");
    }
  }

  /** The values that are in one of them; {@code node} is where this is asked for. */
  Shape or(List<Shape> shapes, SchemaNode node) {
    if (shapes.size() == 1) {
      return shapes.get(0);
    }
    int literals = 0;
    Set<NumberSpec> numbers = new LinkedHashSet<>();
    Set<ArraySpec> arrays = new LinkedHashSet<>();
    Set<ObjectSpec> objects = new LinkedHashSet<>();
    for (Shape shape : shapes) {
      literals |= shape.literals();
      numbers.addAll(shape.numbers());
      arrays.addAll(shape.arrays());
      objects.addAll(shape.objects());
    }
    requireRoom(arrays, node);
    requireRoom(objects, node);
    List<Regex> strings =
        shapes.stream().map(Shape::strings).filter(s -> s != Regex.NOTHING).distinct().toList();
    boolean anyText = strings.contains(Regex.ANY_TEXT);
    return new Shape(
        literals,
        numbers.contains(NumberSpec.ANY) ? List.of(NumberSpec.ANY) : List.copyOf(numbers),
        anyText ? Regex.ANY_TEXT : strings.isEmpty() ? Regex.NOTHING : Regex.union(strings),
        arrays.contains(ArraySpec.ANY) ? List.of(ArraySpec.ANY) : List.copyOf(arrays),
        objects.contains(ObjectSpec.ANY) ? List.of(ObjectSpec.ANY) : List.copyOf(objects));
  }

  /** The automaton of some strings. */
  Dfa automaton(Regex regex) {
    return automata.computeIfAbsent(regex, Automata::of);
  }

  /** The automaton of some strings as JSON, from behind the opening quotation mark on. */
  Dfa strings(Regex regex) {
    return texts.computeIfAbsent(regex, Automata::strings);
  }

  /** The automaton of some numbers. */
  Dfa numbers(List<NumberSpec> specs) {
    return numbers.computeIfAbsent(specs, Automata::numbers);
  }

  boolean matches(Regex regex, String text) {
    return regex == Regex.ANY_TEXT
        || automaton(regex).matches(text.getBytes(StandardCharsets.UTF_8));
  }

  /** What is asked of the value of a name. */
  Ref value(ObjectSpec spec, String name) {
    Ref known = spec.properties().get(name);
    if (known != null) {
      return known;
    }
    Ref all = Ref.TRUE;
    for (ObjectSpec.Group group : spec.groups()) {
      boolean matched = false;
      for (ObjectSpec.Named pattern : group.patterns()) {
        if (matches(pattern.names(), name)) {
          matched = true;
          all = and(all, pattern.value());
        }
      }
      all = matched ? all : and(all, group.additional());
    }
    return all;
  }
}
